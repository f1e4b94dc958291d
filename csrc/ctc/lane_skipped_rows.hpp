// The rows of the beam whose extensions by a class are no ordinary candidates.
#pragma once

#include "ctc/lane_beam.hpp"

namespace ctc {

// By class, a bit for each row that must not be extended by it with its total: the rows that end in it,
// because a repeated label needs a blank between, and the rows of which the extension is in the beam. Filled
// and cleared without a branch that depends on the beam.
template <class L>
class SkippedRows {
  public:
    // Prepares for a sequence. Keeps the memory.
    void start(std::int32_t num_classes) {
        classes_ = num_classes;
        bits_.fill_zero();
        repeated_.fill_zero();
    }

    // The number of words for each class.
    std::int32_t words() const { return words_; }
    const std::uint64_t* of(std::int64_t label) const { return bits_.data() + label * words_; }

    // Whether the extension of `row` by its own last label is in the beam.
    bool repeat_is_taken(std::int32_t row) const {
        return (repeated_.data()[row >> 6] >> (row & 63) & 1) != 0;
    }
    // The same for eight rows, the first of which is a multiple of eight.
    unsigned repeats_taken(std::int32_t row) const {
        return static_cast<unsigned>(repeated_.data()[row >> 6] >> (row & 63)) & 0xffU;
    }

    // Adds the rows of `beam`. There must be none.
    void fill(const LaneBeam<L>& beam) {
        words_ = (beam.rows + 63) / 64;
        bits_.reserve((static_cast<std::size_t>(classes_) + 1) * static_cast<std::size_t>(words_));
        repeated_.reserve(static_cast<std::size_t>(words_));
        const unsigned char* repeats = beam.repeats.data();
        for (std::int32_t row = 0; row < beam.rows; ++row) {
            // The parent kNone is -1: the word before the first one changes by nothing, or is never read.
            const std::int32_t parent = beam.parent.data()[row];
            std::uint64_t* words = bits_.data() + std::int64_t{beam.last.data()[row]} * words_;
            words[row >> 6] |= std::uint64_t{1} << (row & 63);
            words[parent >> 6] |= std::uint64_t{parent >= 0} << (parent & 63);
            repeated_.data()[parent >> 6] |= std::uint64_t{repeats[row]} << (parent & 63);
        }
    }

    // Removes the rows of `beam`, which must not have changed. Touches their classes alone: there can be far
    // more classes than rows.
    void clear(const LaneBeam<L>& beam) {
        for (std::int32_t row = 0; row < beam.rows; ++row) {
            std::uint64_t* words = bits_.data() + std::int64_t{beam.last.data()[row]} * words_;
            words[row >> 6] = 0;
            words[std::max(beam.parent.data()[row], 0) >> 6] = 0;
        }
        std::fill_n(repeated_.data(), words_, 0);
    }

  private:
    std::int32_t classes_ = 0;  // and one more, the "last label" of the empty labelling
    std::int32_t words_ = 0;
    Column<std::uint64_t> bits_;
    Column<std::uint64_t> repeated_;
};

}  // namespace ctc

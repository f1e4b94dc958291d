// By row of a guided beam, the classes by which it may be extended without a blank between.
#pragma once

#include "ctc/lane_guide_columns.hpp"

namespace ctc {

// The classes whose extension of a row has the row's total times a probability: those that the row permits,
// without its last label, which needs a blank between, and without those of extensions that are in the beam.
// Filled without a branch that depends on the beam.
template <class L>
class OpenExtensions {
  public:
    void fill(const LaneBeam<L>& beam, const GuideColumns<L>& columns, std::int32_t stays);

    // By row, a bit for each class of a group of 64.
    std::uint64_t* of(std::int32_t word) { return bits_.data() + word * stride_; }
    const std::uint64_t* of(std::int32_t word) const { return bits_.data() + word * stride_; }
    bool has(std::int32_t row, std::int32_t label) const {
        return (of(label >> 6)[row] >> (label & 63) & 1) != 0;
    }

    // Whether the extension of `row` by its own last label is in the beam.
    bool repeat_is_taken(std::int32_t row) const {
        return (repeated_.data()[row >> 6] >> (row & 63) & 1) != 0;
    }
    // The same for eight rows, the first of which is a multiple of eight.
    unsigned repeats_taken(std::int32_t row) const {
        return static_cast<unsigned>(repeated_.data()[row >> 6] >> (row & 63)) & 0xffU;
    }

  private:
    std::int64_t stride_ = 0;  // between groups of classes
    Column<std::uint64_t> bits_;
    Column<std::uint64_t> repeated_;
};

template <class L>
void OpenExtensions<L>::fill(const LaneBeam<L>& beam, const GuideColumns<L>& columns, std::int32_t stays) {
    stride_ = stays + kLanes;
    // One group more for the empty labelling, whose "last label" is the number of classes.
    const PermittedClasses<L> classes = columns.permitted();
    bits_.reserve(static_cast<std::size_t>((classes.words + 1) * stride_));
    for (std::int32_t word = 0; word < classes.words; ++word) {
        const std::uint64_t* permitted = classes.of(word);
        std::uint64_t* to = of(word);
        for (std::int32_t row = 0; row < stays; ++row) to[row] = permitted[row];
    }
    const std::int32_t words = (stays + 63) / 64;
    repeated_.reserve(static_cast<std::size_t>(words));
    std::uint64_t* repeated = repeated_.data();
    for (std::int32_t word = 0; word < words; ++word) repeated[word] = 0;
    const std::int32_t* last = beam.last.data();
    const std::int32_t* parents = beam.parent.data();
    const unsigned char* repeats = beam.repeats.data();
    for (std::int32_t row = 0; row < beam.rows; ++row) {
        const std::int32_t parent = parents[row];
        std::uint64_t* to = of(last[row] >> 6);
        const std::uint64_t others = ~(std::uint64_t{1} << (last[row] & 63));
        to[row] &= others;
        to[parent >= 0 ? parent : stays] &= others;  // behind the rows, without a branch
        // The parent kNone is -1: the word before the first one.
        repeated[parent >> 6] |= std::uint64_t{repeats[row]} << (parent & 63);
    }
}

}  // namespace ctc

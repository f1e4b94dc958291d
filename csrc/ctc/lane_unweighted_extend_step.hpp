// The extensions of the rows of a beam that a constraint without weights permits.
#pragma once

#include <vector>

#include "ctc/lane_extend_step.hpp"
#include "ctc/lane_guided_frame.hpp"

namespace ctc {

// A part of RowExtendStep: the extensions by all classes but the frame's most probable one, each class by a
// register of rows at a time. WordExtendStep extends each row by a register of classes, which takes less
// time; of more than 64 classes that would need several words of bits.
template <class L>
class UnweightedExtendStep {
  public:
    // Appends each extension of the rows `reached` whose total is at least `floor`. Changes in.open.
    void run(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
             const std::vector<std::int32_t>& reached, LaneCandidates<L>& candidates);

  private:
    using D = typename L::D;

    // Of the rows `reached`.
    Column<double> total_;
    Column<std::uint64_t> row_;
};

template <class L>
void UnweightedExtendStep<L>::run(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
                                  const std::vector<std::int32_t>& reached, LaneCandidates<L>& candidates) {
    const auto count = static_cast<std::int32_t>(reached.size());
    const std::int32_t padded = whole_lanes(count);
    candidates.reserve_more(static_cast<std::size_t>(symbols.count) * static_cast<std::size_t>(padded));
    total_.reserve(static_cast<std::size_t>(padded));
    row_.reserve(static_cast<std::size_t>(padded));
    double* row_total = total_.data();
    std::uint64_t* row_of = row_.data();
    for (std::int32_t i = 0; i < count; ++i) {
        const std::int32_t row = reached[static_cast<std::size_t>(i)];
        row_total[i] = in.beam.total.data()[row];
        row_of[i] = static_cast<std::uint64_t>(row);
    }
    std::fill(row_total + count, row_total + padded, 0.0);
    // In place: the rows ascend.
    for (std::int32_t word = 0; word < in.permitted.words; ++word) {
        std::uint64_t* words = in.open.of(word);
        for (std::int32_t i = 0; i < count; ++i) words[i] = words[reached[static_cast<std::size_t>(i)]];
    }
    const D limit = L::broadcast(floor);
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    for (std::int32_t s = 0; s < symbols.count; ++s) {
        const std::uint64_t label = symbols.label.data()[s];
        const auto number = static_cast<std::int32_t>(label);
        if (number == in.best_label) continue;
        const D probs = L::broadcast(symbols.prob.data()[s]);
        const std::uint64_t* words = in.open.of(number >> 6);
        for (std::int32_t i = 0; i < padded; i += kLanes) {
            const D totals = L::mul(L::load(row_total + i), probs);
            const unsigned mask = L::at_least(totals, limit) & L::with_bit(words + i, number & 63);
            if (!L::kCompresses && mask == 0) continue;
            L::compress(total + end, totals, mask);
            L::compress_sums(id + end, row_of + i, LaneCandidates<L>::id_of(label, 0), mask);
            end += L::popcount(mask);
        }
    }
    candidates.count = end;
}

}  // namespace ctc

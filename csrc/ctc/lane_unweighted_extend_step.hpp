// The extensions of the rows of a beam that a constraint without weights permits.
#pragma once

#include <vector>

#include "ctc/lane_extend_step.hpp"
#include "ctc/lane_guided_frame.hpp"

namespace ctc {

// A part of RowExtendStep: the extensions by all classes but the frame's most probable one. There are as many
// products as rows times symbols: each row by a register of symbols or each symbol by a register of rows,
// whichever takes fewer registers. Of more than 64 classes it is the latter: a register of symbols would need
// several words of bits.
template <class L>
class UnweightedExtendStep {
  public:
    // Appends each extension of the rows `reached` whose total is at least `floor`. Changes in.open.
    void run(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
             const std::vector<std::int32_t>& reached, LaneCandidates<L>& candidates);

  private:
    using D = typename L::D;

    void extend_rows(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
                     const std::vector<std::int32_t>& reached, LaneCandidates<L>& candidates);
    void extend_by_symbols(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
                           const std::vector<std::int32_t>& reached, LaneCandidates<L>& candidates);

    Column<std::uint64_t> symbol_id_;  // by symbol: the id of row 0, extended by it
    // Of the rows `reached`.
    Column<double> total_;
    Column<std::uint64_t> row_;
};

template <class L>
void UnweightedExtendStep<L>::run(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
                                  const std::vector<std::int32_t>& reached, LaneCandidates<L>& candidates) {
    const auto rows = static_cast<std::int32_t>(reached.size());
    candidates.reserve_more(
        std::max(reached.size() * static_cast<std::size_t>(whole_lanes(symbols.count)),
                 static_cast<std::size_t>(symbols.count) * static_cast<std::size_t>(whole_lanes(rows))));
    if (in.columns.words() == 1 &&
        std::int64_t{rows} * whole_lanes(symbols.count) <= std::int64_t{symbols.count} * whole_lanes(rows))
        extend_rows(in, symbols, floor, reached, candidates);
    else
        extend_by_symbols(in, symbols, floor, reached, candidates);
}

// Without weights: each row by a register of symbols at a time.
template <class L>
void UnweightedExtendStep<L>::extend_rows(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols,
                                          double floor, const std::vector<std::int32_t>& reached,
                                          LaneCandidates<L>& candidates) {
    symbol_id_.reserve(static_cast<std::size_t>(symbols.count));
    const std::uint64_t* label = symbols.label.data();
    std::uint64_t* label_id = symbol_id_.data();
    for (std::int32_t i = 0; i < symbols.count; ++i) label_id[i] = label[i] << 32;
    // Those by the most probable class are known.
    const std::uint64_t others = ~(std::uint64_t{1} << in.best_label);
    const D limit = L::broadcast(floor);
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    for (const std::int32_t row : reached) {
        const D row_total = L::broadcast(in.beam.total.data()[row]);
        const std::uint64_t open = in.open.of(0)[row] & others;
        for (std::int32_t i = 0; i < symbols.count; i += kLanes) {
            const D totals = L::mul(row_total, L::load(symbols.prob.data() + i));
            const unsigned mask = L::at_least(totals, limit) & L::bits_at(open, label + i);
            if (!L::kCompresses && mask == 0) continue;
            L::compress(total + end, totals, mask);
            L::compress_sums(id + end, label_id + i, static_cast<std::uint64_t>(row), mask);
            end += L::popcount(mask);
        }
    }
    candidates.count = end;
}

// Without weights: a register of rows at a time.
template <class L>
void UnweightedExtendStep<L>::extend_by_symbols(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols,
                                                double floor, const std::vector<std::int32_t>& reached,
                                                LaneCandidates<L>& candidates) {
    const auto count = static_cast<std::int32_t>(reached.size());
    const std::int32_t padded = whole_lanes(count);
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
    for (std::int32_t word = 0; word < in.columns.words(); ++word) {
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

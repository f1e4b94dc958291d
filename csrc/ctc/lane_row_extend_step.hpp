// Step 2 of a guided frame: every permitted extension that reaches the floor, from the few rows that most
// classes can lift.
#pragma once

#include "ctc/lane_extend_step.hpp"
#include "ctc/lane_guided_frame.hpp"
#include "ctc/lane_row_weights.hpp"
#include "ctc/lane_unweighted_extend_step.hpp"

namespace ctc {

// The extensions by the frame's most probable class are known from the floor. All other classes can lift few
// rows only.
//
// A language model permits every class, most of them with a weight far below the highest of their row. So
// nearly all extensions of a row reach the floor with the highest weight, and few with their own. The weights
// of such a row are written side by side, once while it is in the beam, and a register of them is multiplied
// at once.
template <class L>
class RowExtendStep {
  public:
    // Appends each permitted extension whose total is at least `floor`, unless its labelling is in the beam
    // already; but none by the last label of its row. Whatever a row permits must be able to end. Behind the
    // candidates GuidedBounds must have written the extensions by the frame's most probable class.
    void run(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
             LaneCandidates<L>& candidates);

  private:
    using D = typename L::D;

    static double second_prob(const LaneSymbols<L>& symbols, double best);
    void reserve(const GuidedFrame<L>& in, std::int32_t stays);
    void extend_by_best(const GuidedFrame<L>& in, std::int32_t label, double floor,
                        LaneCandidates<L>& candidates) const;
    void find_reached(const GuidedFrame<L>& in, double prob, double floor, std::int32_t stays);
    void write_probs(const LaneSymbols<L>& symbols, std::int32_t best);
    void extend_with_weights(const GuidedFrame<L>& in, double floor, LaneCandidates<L>& candidates);

    RowWeights<L> weights_;
    Column<double> prob_;         // by class; 0 where it is no symbol
    Column<std::int32_t> block_;  // the first classes of the registers of prob_ that have a symbol
    std::int32_t blocks_ = 0;
    Column<std::uint64_t> id_;           // by class: the id of row 0, extended by it
    Column<std::uint64_t> row_;          // 0, 1, 2, ...
    std::vector<std::int32_t> reached_;  // the rows that another class than the best one can lift
    UnweightedExtendStep<L> unweighted_;
};

template <class L>
void RowExtendStep<L>::run(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
                           LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    const std::int32_t best = in.best_label;
    const double second = second_prob(symbols, in.stayed.prob_best);
    reserve(in, stays);
    extend_by_best(in, best, floor, candidates);
    find_reached(in, second, floor, stays);
    if (reached_.empty()) return;
    if (!in.columns.weighted()) {
        unweighted_.run(in, symbols, floor, reached_, candidates);
        return;
    }
    write_probs(symbols, best);
    candidates.reserve_more(reached_.size() * static_cast<std::size_t>(blocks_) * kLanes);
    extend_with_weights(in, floor, candidates);
    for (std::int32_t i = 0; i < blocks_; ++i) L::store(prob_.data() + block_.data()[i], L::broadcast(0.0));
}

// The highest probability of all symbols but one with the probability `best`.
template <class L>
double RowExtendStep<L>::second_prob(const LaneSymbols<L>& symbols, double best) {
    const double* prob = symbols.prob.data();
    const D at = L::broadcast(best);
    D second = L::broadcast(0.0);
    std::int32_t best_count = 0;
    for (std::int32_t i = 0; i < symbols.count; i += kLanes) {
        const D values = L::load(prob + i);
        D ignored = values;
        best_count += L::popcount(L::split(values, at, ignored, second));
    }
    return best_count > 1 ? best : LaneMath<L>::largest(second);
}

template <class L>
void RowExtendStep<L>::reserve(const GuidedFrame<L>& in, std::int32_t stays) {
    const auto rows = static_cast<std::size_t>(stays);
    const auto classes = static_cast<std::size_t>(whole_lanes(in.frame.classes));
    if (id_.capacity() < classes) {
        id_.reserve(classes);
        prob_.reserve(classes);
        block_.reserve(classes);
        for (std::size_t label = 0; label < id_.capacity(); ++label)
            id_.data()[label] = LaneCandidates<L>::id_of(label, 0);
    }
    if (row_.capacity() < rows) {
        row_.reserve(rows);
        for (std::size_t row = 0; row < row_.capacity(); ++row) row_.data()[row] = row;
    }
    if (in.columns.weighted()) weights_.reserve(in.columns, stays);
}

template <class L>
void RowExtendStep<L>::extend_by_best(const GuidedFrame<L>& in, std::int32_t label, double floor,
                                      LaneCandidates<L>& candidates) const {
    const D limit = L::broadcast(floor);
    const std::int32_t stays = candidates.stays;
    const std::uint64_t* open = in.open.of(label / 64);
    const std::uint64_t more = LaneCandidates<L>::id_of(static_cast<std::uint64_t>(label), 0);
    double* total = candidates.total.data();
    const double* bound = total + candidates.count;
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    for (std::int32_t row = 0; row < stays; row += kLanes) {
        const D totals = L::load(bound + row);
        const unsigned mask = L::at_least(totals, limit) & L::with_bit(open + row, label % 64);
        if (mask == 0) continue;
        L::compress(total + end, totals, mask);
        L::compress_sums(id + end, row_.data() + row, more, mask);
        end += L::popcount(mask);
    }
    candidates.count = end;
}

// Finds the rows that a class with the probability `prob` can lift to the floor.
template <class L>
void RowExtendStep<L>::find_reached(const GuidedFrame<L>& in, double prob, double floor, std::int32_t stays) {
    const D limit = L::broadcast(floor);
    const D probs = L::broadcast(prob);
    const double* reach = in.columns.reach.data();
    reached_.clear();
    for (std::int32_t row = 0; row < stays; row += kLanes)
        for (unsigned mask = L::at_least(L::mul(L::load(reach + row), probs), limit); mask != 0;
             mask &= mask - 1)
            reached_.push_back(row + lowest_bit(mask));
}

template <class L>
void RowExtendStep<L>::write_probs(const LaneSymbols<L>& symbols, std::int32_t best) {
    const std::uint64_t* label = symbols.label.data();
    double* prob = prob_.data();
    std::int32_t* block = block_.data();
    std::int32_t blocks = 0;
    std::int32_t known_end = 0;
    for (std::int32_t i = 0; i < symbols.count; ++i) {
        const auto number = static_cast<std::int32_t>(label[i]);
        prob[number] = number != best ? symbols.prob.data()[i] : 0.0;
        // The labels ascend. Without a branch.
        block[blocks] = number / kLanes * kLanes;
        blocks += number >= known_end ? 1 : 0;
        known_end = number / kLanes * kLanes + kLanes;
    }
    blocks_ = blocks;
}

template <class L>
void RowExtendStep<L>::extend_with_weights(const GuidedFrame<L>& in, double floor,
                                           LaneCandidates<L>& candidates) {
    const D limit = L::broadcast(floor);
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    for (const std::int32_t row : reached_) {
        const D row_total = L::broadcast(in.beam.total.data()[row]);
        const double* weights = weights_.of(in.columns, row);
        for (std::int32_t i = 0; i < blocks_; ++i) {
            const std::int32_t first = block_.data()[i];
            const D totals =
                L::mul(L::mul(row_total, L::load(prob_.data() + first)), L::load(weights + first));
            const unsigned mask = L::at_least(totals, limit) &
                                  static_cast<unsigned>(in.open.of(first >> 6)[row] >> (first & 63) & 0xff);
            if (mask == 0) continue;
            L::compress(total + end, totals, mask);
            L::compress_sums(id + end, id_.data() + first, static_cast<std::uint64_t>(row), mask);
            end += L::popcount(mask);
        }
    }
    candidates.count = end;
}

}  // namespace ctc

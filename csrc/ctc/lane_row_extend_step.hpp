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

    // The same for a guide with weights. `known_floor` is a total that enough candidates reach, or 0; no row
    // reaches more than `largest_reach` times the probability of a class.
    void run_weighted(const GuidedFrame<L>& in, double largest_reach, double known_floor,
                      LaneCandidates<L>& candidates);

  private:
    using D = typename L::D;

    static double second_prob(const LaneSymbols<L>& symbols, double best);
    void reserve(const GuidedFrame<L>& in, std::int32_t stays);
    void extend_by_best(const GuidedFrame<L>& in, std::int32_t label, double floor,
                        LaneCandidates<L>& candidates) const;
    void find_reached(const GuidedFrame<L>& in, double prob, double floor, std::int32_t stays);
    double write_probs(const GuidedFrame<L>& in, double least_log_prob);
    void extend_with_weights(const GuidedFrame<L>& in, double floor, LaneCandidates<L>& candidates);

    RowWeights<L> weights_;
    // The probabilities of all classes but the best one in the registers of classes that can lift a row, side
    // by side, and the first class of each.
    Column<double> prob_;
    Column<std::int32_t> block_;
    std::int32_t blocks_ = 0;
    Column<std::uint64_t> row_;          // 0, 1, 2, ...
    std::vector<std::int32_t> reached_;  // the rows that another class than the best one can lift
    UnweightedExtendStep<L> unweighted_;
};

template <class L>
void RowExtendStep<L>::run(const GuidedFrame<L>& in, const LaneSymbols<L>& symbols, double floor,
                           LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    const double second = second_prob(symbols, in.stayed.prob_best);
    reserve(in, stays);
    extend_by_best(in, in.best_label, floor, candidates);
    find_reached(in, second, floor, stays);
    if (!reached_.empty()) unweighted_.run(in, symbols, floor, reached_, candidates);
}

template <class L>
void RowExtendStep<L>::run_weighted(const GuidedFrame<L>& in, double largest_reach, double known_floor,
                                    LaneCandidates<L>& candidates) {
    const double floor = std::max(known_floor, LaneMath<L>::kSmallestTotal);
    const std::int32_t stays = candidates.stays;
    reserve(in, stays);
    weights_.reserve(in.columns, stays);
    const double second =
        write_probs(in, ExtendStep<L>::least_log_prob(largest_reach, in.exponent, known_floor));
    extend_by_best(in, in.best_label, floor, candidates);
    find_reached(in, second, floor, stays);
    candidates.reserve_more(reached_.size() * static_cast<std::size_t>(blocks_) * kLanes);
    extend_with_weights(in, floor, candidates);
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
    prob_.reserve(classes);
    block_.reserve(classes);
    if (row_.capacity() < rows) {
        row_.reserve(rows);
        for (std::size_t row = 0; row < row_.capacity(); ++row) row_.data()[row] = row;
    }
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

// Writes prob_ from the registers that have a class of at least this log-probability. Returns the highest.
template <class L>
double RowExtendStep<L>::write_probs(const GuidedFrame<L>& in, double least_log_prob) {
    const D least = L::broadcast(least_log_prob);
    const std::int32_t best_block = in.best_label / kLanes * kLanes;
    const double* log_prob = in.frame.log_prob.data();
    double* prob = prob_.data();
    std::int32_t* block = block_.data();
    std::int32_t blocks = 0;
    std::int32_t place = 0;  // of the best class, which is in a block if any is
    for (std::int32_t label = 0; label < in.frame.classes; label += kLanes) {
        const D values = L::load(log_prob + label);
        L::store(prob + kLanes * blocks, values);
        block[blocks] = label;
        place = label == best_block ? kLanes * blocks + in.best_label - best_block : place;
        blocks += L::at_least(values, least) != 0 ? 1 : 0;
    }
    blocks_ = blocks;
    prob[place] = -LaneMath<L>::kInfinity;
    D highest = L::broadcast(0.0);
    for (std::int32_t i = 0; i < blocks; ++i) {
        const D probs = lane_exp<L>(L::load(prob + kLanes * i), in.exponent);
        L::store(prob + kLanes * i, probs);
        highest = L::max(probs, highest);
    }
    return LaneMath<L>::largest(highest);
}

// A row's products are computed first, eight registers at a time. Few of them reach the floor, and whether a
// register has one is hard to predict.
template <class L>
void RowExtendStep<L>::extend_with_weights(const GuidedFrame<L>& in, double floor,
                                           LaneCandidates<L>& candidates) {
    const D limit = L::broadcast(floor);
    const double* prob = prob_.data();
    const std::int32_t* block = block_.data();
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    double products[64];
    for (const std::int32_t row : reached_) {
        const D row_total = L::broadcast(in.beam.total.data()[row]);
        const double* weights = weights_.of(in.columns, row);
        for (std::int32_t first = 0; first < blocks_; first += 8) {
            std::uint64_t reach_floor = 0;
            const std::int32_t count = std::min(8, blocks_ - first);
            for (std::int32_t i = 0; i < count; ++i) {
                const D probs = L::load(prob + kLanes * (first + i));
                const D totals = L::mul(L::mul(row_total, probs), L::load(weights + block[first + i]));
                L::store(products + kLanes * i, totals);
                reach_floor |= std::uint64_t{L::at_least(totals, limit)} << (kLanes * i);
            }
            for (; reach_floor != 0; reach_floor &= reach_floor - 1) {
                const std::int32_t place = lowest_bit(reach_floor);
                const std::int32_t label = block[first + place / kLanes] + place % kLanes;
                total[end] = products[place];
                id[end] = LaneCandidates<L>::id_of(static_cast<std::uint64_t>(label), row);
                end += in.open.has(row, label) ? 1 : 0;
            }
        }
    }
    candidates.count = end;
}

}  // namespace ctc

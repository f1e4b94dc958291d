// Extensions of a guided frame from which a lower bound (floor) on the totals that will be kept follows.
#pragma once

#include "ctc/lane_extend_step.hpp"
#include "ctc/lane_guided_frame.hpp"

namespace ctc {

// The floor is closer the better the extensions that it is made from. So a row contributes its extension by
// the frame's most probable class, or, if it does not permit that, by one that is the most probable of those
// that it or a better row permits. The search for that one is left out for large alphabets, and ends after a
// few classes where rows permit many different sets. Extensions that are in the beam are not counted twice.
template <class L>
class GuidedBounds {
  public:
    using Frame = GuidedFrame<L>;

    // Writes behind the candidates the total of a permitted extension of each row, for the floor alone; 0 if
    // none was found, or none that is of use.
    void write(const Frame& in, LaneCandidates<L>& candidates);

  private:
    using D = typename L::D;
    static constexpr int kMostClasses = 4;  // beside the most probable one, for each 64 rows
    static constexpr std::int32_t kMostWords = 4;

    // The most probable class of those that a row permits.
    struct Best {
        std::int32_t label;
        double log_prob;
    };

    void write_other_classes(const Frame& in, D limit, std::int32_t first, std::int32_t end, double* bound);
    void correct(const Frame& in, double* bound) const;
    static Best best_of(const Frame& in, std::int32_t row);

    Column<std::int32_t> label_;  // by row: the class whose extension it contributes
    double lowest_ = 0.0;         // of their probabilities
};

template <class L>
void GuidedBounds<L>::write(const Frame& in, LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    const std::int32_t label = in.best_label;
    const std::uint64_t* permitted = in.permitted.of(label / 64);
    const double* total = in.beam.total.data();
    const double* reach = in.columns.reach.data();
    const D best = L::broadcast(in.stayed.prob_best);
    const D limit = L::broadcast(in.least_of_use());
    double* bound = candidates.total.data() + candidates.count;
    for (std::int32_t row = 0; row < stays; row += kLanes) {
        const D extended = L::keep_with_bit(L::mul(L::load(total + row), best), permitted + row, label % 64);
        L::store(bound + row, L::zero_unless_at_least(extended, L::mul(L::load(reach + row), best), limit));
    }
    label_.reserve(static_cast<std::size_t>(stays));
    std::fill_n(label_.data(), stays, label);
    lowest_ = in.stayed.prob_best;
    if (in.permitted.words <= kMostWords)
        for (std::int32_t first = 0; first < stays; first += 64)
            write_other_classes(in, limit, first, std::min(stays, first + 64), bound);
    correct(in, bound);
    if (in.plain()) return;
    for (std::int32_t row = 0; row < in.beam.rows; ++row)
        if (bound[row] > 0.0) bound[row] *= in.weight(row, label_.data()[row]);
}

// Writes the extensions of those of the rows [first, end) that do not permit the most probable class. One
// class is looked for at a time, and serves all of them that permit it.
template <class L>
void GuidedBounds<L>::write_other_classes(const Frame& in, D limit, std::int32_t first, std::int32_t end,
                                          double* bound) {
    const D best = L::broadcast(in.stayed.prob_best);
    std::uint64_t rows = 0;
    for (std::int32_t row = first; row < end; row += kLanes)
        rows |= std::uint64_t{L::at_least(L::mul(L::load(in.columns.reach.data() + row), best), limit)}
                << (row - first);
    rows &= ~in.rows_that_permit(in.best_label, first, end);
    for (int i = 0; rows != 0 && i < kMostClasses; ++i) {
        const Best other = best_of(in, first + lowest_bit(rows));
        if (!(other.log_prob >= kLowestLog)) return;
        double probs[kLanes];
        L::store(probs, lane_exp<L>(L::broadcast(other.log_prob), in.exponent));
        lowest_ = std::min(lowest_, probs[0]);
        const std::uint64_t found = rows & in.rows_that_permit(other.label, first, end);
        for (std::uint64_t bits = found; bits != 0; bits &= bits - 1) {
            const std::int32_t row = first + lowest_bit(bits);
            bound[row] = in.beam.total.data()[row] * probs[0];
            label_.data()[row] = other.label;
        }
        rows &= ~found;
    }
}

// Corrects where a row ends in the class that it contributes, and where the extension is in the beam.
template <class L>
void GuidedBounds<L>::correct(const Frame& in, double* bound) const {
    const D lowest = L::broadcast(lowest_);
    const double* prob_last = in.stayed.prob_last;
    const std::int32_t* label = label_.data();
    for (std::int32_t first = 0; first < in.beam.rows; first += kLanes) {
        unsigned ends_in_class = L::at_least(L::load(prob_last + first), lowest);
        if (in.beam.rows - first < kLanes) ends_in_class &= (1U << (in.beam.rows - first)) - 1;
        for (; ends_in_class != 0; ends_in_class &= ends_in_class - 1) {
            const std::int32_t row = first + lowest_bit(ends_in_class);
            const std::int32_t last = in.beam.last.data()[row];
            if (label[row] == last)
                bound[row] = std::min(bound[row], in.beam.blank.data()[row] * prob_last[row]);
            const std::int32_t parent = in.beam.parent.data()[row];
            if (parent >= 0 && label[parent] == last) bound[parent] = 0.0;
        }
    }
}

template <class L>
typename GuidedBounds<L>::Best GuidedBounds<L>::best_of(const Frame& in, std::int32_t row) {
    const double* log_prob = in.frame.log_prob.data();
    const auto permitted = [&](std::int32_t first) {
        return static_cast<unsigned>(in.permitted.of(first / 64)[row] >> (first % 64)) & 0xffU;
    };
    double permitted_log_probs[64 * kMostWords + kLanes];
    std::int32_t count = 0;
    for (std::int32_t first = 0; first < in.frame.classes; first += kLanes) {
        const unsigned mask = permitted(first);
        if (mask == 0) continue;
        L::compress(permitted_log_probs + count, L::load(log_prob + first), mask);
        count += L::popcount(mask);
    }
    const D lowest = L::broadcast(-LaneMath<L>::kInfinity);
    L::store(permitted_log_probs + count, lowest);
    D most = lowest;
    for (std::int32_t i = 0; i < count; i += kLanes) most = L::max(L::load(permitted_log_probs + i), most);
    const double best = LaneMath<L>::largest(most);
    if (!(best >= kLowestLog)) return {0, best};
    const D wanted = L::broadcast(best);
    for (std::int32_t first = 0;; first += kLanes) {
        const unsigned mask = L::at_least(L::load(log_prob + first), wanted) & permitted(first);
        if (mask != 0) return {first + lowest_bit(mask), best};
    }
}

}  // namespace ctc

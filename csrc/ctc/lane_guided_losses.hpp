// Bounds of what underflow has taken from the totals of a guided search, by row of the beam.
#pragma once

#include "ctc/lane_guide_columns.hpp"
#include "ctc/lane_losses.hpp"

namespace ctc {

// A bound of the weights that a table holds as 0, or as too small for a normal double. lane_exp() returns 0
// below e^-600. A weight can be the product of such a number and of one up to e^100.
constexpr double kMostLostWeight = 1e-217;

// As LaneLosses, but a bound for each labelling in the beam instead of one for all. A constraint can force
// labellings of nearly no probability: then all totals fall, in each frame, far below the sum of the frame's
// probabilities, by which LaneLosses multiplies its bound. The bound of a row is
// multiplied by the same probabilities as its total, so that their ratio remains.
//
// Invariant between frames: the total of a row is at least kSafety times its bound.
template <class L>
class GuidedLosses {
  public:
    using Stayed = typename StayStep<L>::Output;

    void clear() {
        any_ = active_ = false;
        for (Column<double>* column : {&blank_, &label_}) column->fill_zero();
    }

    // Follows StayStep and GuideColumns::prepare().
    void follow(const LaneBeam<L>& beam, const LaneFrame<L>& frame, const Stayed& stayed,
                std::int64_t exponent, const GuideColumns<L>& columns, std::int32_t remaining,
                const LaneCandidates<L>& candidates) {
        active_ = any_ || stayed.underflow;
        if (active_) compute(beam, frame, stayed, exponent, columns, remaining, candidates);
    }

    // Whether labellings whose least total is `smallest_kept` may be kept, and all others dropped.
    bool allow(double smallest_kept) const {
        return smallest_kept >= kSmallestKept && (!active_ || smallest_kept >= kSafety * worst_);
    }
    // Whether a candidate may be missing, which matters if there are fewer candidates than places.
    bool hides_candidates() const { return active_ && hidden_; }

    // A bound of the probabilities that lane_exp() returns as 0.
    static double lost_prob(std::int64_t exponent) {
        return kBelowLowest * double_of((1023 - exponent) << 52);
    }

    void keep_all() {
        if (active_) replace();
    }
    // Before the update of the beam: computes the bounds of what arrives.
    void find_arrivals(const Arrivals<L>& arrivals, const LaneBeam<L>& beam);
    // Follows the update of the beam.
    void update(const UpdateStep<L>& step, std::size_t capacity);

  private:
    static constexpr double kSmallestKept = LaneLosses<L>::kSmallestKept;
    static constexpr double kSafety = LaneLosses<L>::kSafety;
    static constexpr double kLeast = 1e-290;        // of a bound that is not 0: a normal double
    static constexpr double kRounding = 1.001;      // more than that of a few operations
    static constexpr double kBelowLowest = 3e-261;  // e^kExpLowest is 2.65e-261

    void compute(const LaneBeam<L>& beam, const LaneFrame<L>& frame, const Stayed& stayed,
                 std::int64_t exponent, const GuideColumns<L>& columns, std::int32_t remaining,
                 const LaneCandidates<L>& candidates);
    void replace() {
        blank_.swap(next_blank_);
        label_.swap(next_label_);
        any_ = next_any_;
        if (!any_) clear();
    }

    // A bound of what is lost, which is not 0 even where its computation has underflowed.
    static double rounded_up(double lost) { return std::max(lost * kRounding, kLeast); }
    // The bound of value * factor; `lost` is that of `value`.
    static double scaled(double lost, double factor) { return lost > 0.0 ? rounded_up(lost * factor) : 0.0; }
    // The bound of value * prob, which has become `product`; `lost` is that of `value`. `most` is a bound of
    // the probability.
    static double product_bound(double lost, double value, double product, double prob, double most) {
        const bool underflows = value > 0.0 && product < kUnderflow;
        if (most == 0.0 || (lost == 0.0 && !underflows)) return 0.0;
        double bound = lost * most;
        if (underflows) bound += prob > 0.0 ? std::min(kUnderflow, value * most) : value * most;
        return rounded_up(bound);
    }

    bool any_ = false;     // whether the bound of a row is above 0
    bool active_ = false;  // the same for this frame, before or after StayStep
    // By row: the bounds of LaneBeam::blank and label, and the same one frame later.
    Column<double> blank_, label_, next_blank_, next_label_;
    bool next_any_ = false;
    bool hidden_ = false;
    double worst_ = 0.0;  // the highest bound of a candidate whose total is less than kSafety times that
    std::vector<double> arrivals_;
};

template <class L>
void GuidedLosses<L>::compute(const LaneBeam<L>& beam, const LaneFrame<L>& frame, const Stayed& stayed,
                              std::int64_t exponent, const GuideColumns<L>& columns, std::int32_t remaining,
                              const LaneCandidates<L>& candidates) {
    for (Column<double>* column : {&blank_, &label_, &next_blank_, &next_label_})
        column->reserve(beam.capacity());
    const double below_lowest = lost_prob(exponent);
    // A mask such as -inf loses nothing: the probability is 0.
    const auto most = [&](double prob, double log_prob) {
        return prob > 0.0 || log_prob < kLowestLog ? prob : below_lowest;
    };
    const double most_blank = most(stayed.prob_blank, frame.log_blank);
    const double* lost_blank = blank_.data();
    const double* lost_label = label_.data();
    next_any_ = hidden_ = false;
    worst_ = 0.0;
    for (std::int32_t row = 0; row < beam.rows; ++row) {
        next_blank_.data()[row] = next_label_.data()[row] = 0.0;
        const GuideRow& edges = columns.edges.data()[row];
        const std::int32_t last = beam.last.data()[row];
        const std::int32_t parent = beam.parent.data()[row];
        const double blank = beam.blank.data()[row];
        const double prob_last = stayed.prob_last[row];
        const double most_last = most(prob_last, frame.log_prob.data()[last]);
        // The extension by the last label.
        if (blank < kSafety * lost_blank[row] && last < frame.classes && columns.permitted().has(row, last)) {
            hidden_ = true;
            worst_ = std::max(worst_, lost_blank[row] * most_last * std::max(edges.highest, kMostLostWeight));
        }
        if (edges.shortest > remaining) continue;  // the unchanged labelling was removed
        double lost = lost_label[row];
        if (parent >= 0)
            lost += scaled(lost_blank[parent] + (beam.repeats.data()[row] != 0 ? 0.0 : lost_label[parent]),
                           columns.weight.data()[row]);
        const double next_blank = product_bound(lost_blank[row] + lost_label[row], beam.total.data()[row],
                                                candidates.blank.data()[row], stayed.prob_blank, most_blank);
        const double next_label = product_bound(lost, beam.label.data()[row] + stayed.from_parent[row],
                                                candidates.label.data()[row], prob_last, most_last);
        const double bound = next_blank + next_label;
        next_blank_.data()[row] = next_blank;
        next_label_.data()[row] = next_label;
        next_any_ = next_any_ || bound > 0.0;
        const double total = candidates.total.data()[row];
        hidden_ = hidden_ || (bound > 0.0 && total < LaneMath<L>::kSmallestTotal);
        if (total < kSafety * bound) worst_ = std::max(worst_, bound);
    }
}

template <class L>
void GuidedLosses<L>::find_arrivals(const Arrivals<L>& arrivals, const LaneBeam<L>& beam) {
    if (!active_) return;
    arrivals_.clear();
    for (std::int32_t i = 0; i < arrivals.count; ++i) {
        const std::uint64_t id = arrivals.id.data()[i];
        const std::int32_t row = LaneCandidates<L>::row_of(id);
        const bool repeats = LaneCandidates<L>::label_of(id) == beam.last.data()[row];
        const double lost = blank_.data()[row] + (repeats ? 0.0 : label_.data()[row]);
        // total / source is the probability times the weight.
        const double source = (repeats ? beam.blank.data() : beam.total.data())[row];
        arrivals_.push_back(scaled(lost, arrivals.total.data()[i] / source));
    }
}

template <class L>
void GuidedLosses<L>::update(const UpdateStep<L>& step, std::size_t capacity) {
    if (!active_) return;
    for (Column<double>* column : {&next_blank_, &next_label_}) column->reserve(capacity);
    for (const double bound : arrivals_) next_any_ = next_any_ || bound > 0.0;
    double* blank = next_blank_.data();
    double* label = next_label_.data();
    step.for_each_change(
        [&](std::int32_t i, std::int32_t row) {
            blank[row] = 0.0;
            label[row] = arrivals_[static_cast<std::size_t>(i)];
        },
        [&](std::int32_t from, std::int32_t to) {
            blank[to] = blank[from];
            label[to] = label[from];
        });
    replace();
}

}  // namespace ctc

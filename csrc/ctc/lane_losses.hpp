// What the doubles of a search in lanes may have lost, and how much of it a result allows.
#pragma once

#include "ctc/lane_frame.hpp"
#include "ctc/lane_stay_step.hpp"

namespace ctc {

// Totals are relative to the best labelling of the previous frame, in [1, 2). What a double cannot hold is
// lost, and a search refuses a sequence in which that could change the result:
// - A sum over alignments below kUnderflow counts as lost whole. bound() is a bound on what any labelling
//   lacks, its prefixes included; one frame later that is at most multiplied by the sum of the frame's
//   probabilities.
// - Each labelling that is kept must have at least kSmallestKept, and kSafety times what may be lost.
// - While fewer candidates than places are known, so that each of them counts, nothing may be lost.
// With real inputs it is the third condition that fails. No input is known for which the second fails first;
// it is needed for the proof.
template <class L>
class LaneLosses {
  public:
    void clear() { bound_ = 0.0; }
    bool any() const { return bound_ > 0.0; }

    // Follows a frame.
    template <class Stayed>
    void add(const LaneFrame<L>& frame, const Stayed& stayed, std::int64_t exponent, std::int32_t rows) {
        // The factor covers the rounding of the sum.
        if (any()) bound_ *= frame.sum_of_probs(stayed.prob_blank, exponent) * 1.001;
        if (stayed.underflow) bound_ += 3.0 * static_cast<double>(rows) * kUnderflow;
    }

    // Whether labellings of which the least has the total `smallest_kept` may be kept.
    bool allow(double smallest_kept) const {
        return smallest_kept >= kSmallestKept && smallest_kept >= kSafety * bound_;
    }

    static constexpr double kSmallestKept = 1e-150;
    static constexpr double kSafety = 1e18;

  private:
    double bound_ = 0.0;
};

}  // namespace ctc

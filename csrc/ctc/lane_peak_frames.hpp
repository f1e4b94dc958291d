// The frames of the labels of a hypothesis.
#pragma once

#include "ctc/lane_alignment.hpp"
#include "ctc/lane_frame.hpp"

namespace ctc {

// peak_frames() of alignment.hpp for a search that reads each frame once. Keeps its memory between sequences.
template <class L>
class PeakFrames {
  public:
    void start() { greedy_.clear(); }
    void add(const LaneFrame<L>& frame) { greedy_.add(frame.log_best, frame.log_blank); }

    // Of all frames of the sequence, which must have been added for the result to be quick.
    std::vector<std::int32_t> of(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                 std::int32_t blank) {
        std::vector<std::int32_t> peaks;
        if (!greedy_.find_peaks(log_probs, labels, peaks))
            peaks = alignment_.peak_frames(log_probs, labels, blank);
        return peaks;
    }

  private:
    GreedyAlignment greedy_;
    LaneAlignment<L> alignment_;
};

}  // namespace ctc

// label_runs(), and peak_frames() for ExactSearch and for tests. LaneSearch has a LaneAlignment of its own.
#include "ctc/alignment.hpp"

#include "ctc/lane_alignment.hpp"

namespace ctc {

std::vector<LabelRun> label_runs(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                 std::int32_t blank) {
    LaneAlignment<PortableLanes> alignment;
    return alignment.label_runs(log_probs, labels, blank);
}

std::vector<std::int32_t> peak_frames(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                      std::int32_t blank) {
    LaneAlignment<PortableLanes> alignment;
    return alignment.peak_frames(log_probs, labels, blank);
}

}  // namespace ctc

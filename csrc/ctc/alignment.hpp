// Where the labels of a labelling lie in time.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "ctc/prefix_beam_search.hpp"
#include "ctc/prob.hpp"

namespace ctc {

// A log-prob as it counts: -inf for a mask, and for what is none.
inline double possible_log(double value) {
    return value >= kLowestLog && value <= kHighestLog ? value : -std::numeric_limits<double>::infinity();
}

// For each label, the frame at which it is most probable within its run on the most probable alignment of
// `labels` (Viterbi). Strictly rising. Of equally probable alignments the one that moves on soonest is taken,
// of equally probable frames of a run the earliest. Equal means equal as float64 sums in the order of frames.
// `labels` must have a probability above zero. Takes frames * (2 * labels + 1) bytes while it runs.
//
// The search has looked at every value before, but a caller may write to them meanwhile: whatever they are by
// now, no memory is touched but its own.
std::vector<std::int32_t> peak_frames(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                      std::int32_t blank);

}  // namespace ctc

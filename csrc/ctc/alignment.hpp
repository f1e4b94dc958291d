// The frame of each label of a labelling.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "ctc/prefix_beam_search.hpp"
#include "ctc/prob.hpp"

namespace ctc {

// `value`, or -inf if it is a mask or no log-probability at all.
inline double possible_log(double value) {
    return value >= kLowestLog && value <= kHighestLog ? value : -std::numeric_limits<double>::infinity();
}

// Returns, for each label, the frame at which it is most probable within its run on the most probable
// alignment of `labels` (Viterbi). The frames are strictly increasing.
//
// Among equally probable alignments the one that advances earliest is taken, among equally probable frames of
// a run the earliest. Equal means equal as float64 sums in the order of frames. `labels` must have a
// probability above zero. Uses frames * (2 * labels + 1) bytes of memory.
//
// The search has checked every value, but another thread of the caller may have written to them since. So
// any values are tolerated here: the frames may then be wrong, but no other memory is accessed.
std::vector<std::int32_t> peak_frames(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                      std::int32_t blank);

}  // namespace ctc

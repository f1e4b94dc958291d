// The frame of each label of a labelling.
#pragma once

#include <algorithm>
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

// The frames of a label on an alignment.
struct LabelRun {
    std::int32_t start = 0;
    std::int32_t end = 0;   // one behind the last
    std::int32_t peak = 0;  // where the label is most probable
};

// Returns, for each label, its run on the most probable alignment of `labels` (Viterbi). The runs are in
// order and do not overlap.
//
// Among equally probable alignments the one that advances earliest is taken, among equally probable frames of
// a run the earliest. Equal means equal as float64 sums in the order of frames. `labels` must have a
// probability above zero.
//
// The search has checked every value, but another thread of the caller may have written to them since. So
// any values are tolerated here: the frames may then be wrong, but no other memory is accessed.
std::vector<LabelRun> label_runs(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                 std::int32_t blank);

// Returns the peaks of label_runs() alone.
std::vector<std::int32_t> peak_frames(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                      std::int32_t blank);

// A state of an alignment: a label, by its place in the labelling, or the blank before it. The place behind
// the last label stands for the blank at the end alone.
struct AlignmentState {
    std::int32_t place;
    bool in_label;
};

// Where an alignment has to be at a frame: in a state with a place in [first, last]. Alignments advance by at
// most one place in a frame.
struct AlignmentGoal {
    std::int32_t frame;
    std::int32_t first;
    std::int32_t last;

    // The first place in an earlier frame from which the goal can be reached.
    std::int32_t first_at(std::int32_t earlier) const { return std::max(0, first - (frame - earlier)); }
};

// How the best alignments reached the states of eight places: one bit for each place.
struct AlignmentSteps {
    unsigned char from_blank;  // into the label from the blank before it
    unsigned char from_label;  // into the label from the previous label; has precedence over from_blank
    unsigned char to_blank;    // into the blank from the previous label
};

}  // namespace ctc

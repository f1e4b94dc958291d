// Forced alignment: the frames of each label of a given labelling.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/alignment.hpp"
#include "ctc/labelling_scores.hpp"

namespace ctc {

struct ForcedAlignment {
    Status status = Status::ok;
    std::int32_t frame = 0;          // the first frame with that status, if not ok
    double log_prob = 0.0;           // of the most probable alignment; -inf if the labelling is impossible
    std::vector<LabelRun> runs;      // one for each label; empty if the labelling is impossible
    std::vector<double> confidence;  // of each label: mean over its run of its share of the row's sum
};

// Aligns one labelling with each sequence (Viterbi); ties as in alignment.hpp. A result depends neither on
// the other sequences nor on the number of threads.
std::vector<ForcedAlignment> align(const std::vector<LogProbs>& batch,
                                   const std::vector<LabellingView>& labellings, std::int32_t blank,
                                   std::int32_t threads);

}  // namespace ctc

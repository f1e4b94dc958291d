// The forward algorithm in doubles, for frames that are scaled so that nothing which matters underflows.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/labelling_scores.hpp"

namespace ctc {

// Keeps its memory between calls.
class ScaledForward {
  public:
    // Returns the probability of `labelling` where class k of frame t has the probability
    // exp(log_probs.at(t, k) - offsets[t]).
    //
    // Sums over alignments below 1e-308 are lost. Where the offsets are the logarithms of the row sums, the
    // rest of an alignment has a probability of at most 1, so a result above 1e-200 lacks at most 1e-90 of
    // it.
    double run(const LogProbs& log_probs, LabellingView labelling, std::int32_t blank, const double* offsets);

  private:
    // As many emissions as fit into the cache are computed at once, which is faster than one frame at a time.
    static constexpr std::size_t kMostEmissions = 4096;

    std::int32_t read_frames(const LogProbs& log_probs, LabellingView labelling, std::int32_t blank,
                             const double* offsets, std::int32_t first);
    void advance(std::int32_t count, std::int32_t frame, std::int32_t first, const double* emissions);

    std::vector<double>
        emissions_;  // of each frame: the blank, then the labels that the end can be reached from
    // As in ForwardSums; label_[i + 1] is that of label i, and label_[0] is 0.
    std::vector<double> label_;
    std::vector<double> blank_;
    std::vector<double> skip_;  // 1 if label i may follow the previous one without a blank, else 0
};

}  // namespace ctc

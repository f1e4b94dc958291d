// The labelling of the best path, and the cheap proof that it is the most probable one.
//
// A labelling with more than half of the probability of all labellings is the most probable one, because the
// others share the rest. The probability of all labellings is the product of the row sums. An upper bound of
// it is enough, which saves the exponential of every class.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/prefix_beam_search.hpp"
#include "ctc/scaled_forward.hpp"

namespace ctc {

// Keeps its memory between calls.
class BestPathProof {
  public:
    // Reads the sequence. If it returns not ok, bad_frame() is the first frame with that status.
    Status run(const LogProbs& log_probs, std::int32_t blank);

    std::int32_t bad_frame() const { return bad_frame_; }
    const std::vector<std::int32_t>& labels() const { return labels_; }
    bool proven() const { return proven_; }
    double log_prob() const { return log_prob_; }                // of labels(), if proven
    const std::vector<double>& peaks() const { return peaks_; }  // the highest log-probability of each frame

  private:
    struct Row {
        const float* values;  // of each class, plus a constant
        float peak;           // the largest of values
    };
    Status read_row(const LogProbs& log_probs, std::int32_t frame, Row& row);

    std::vector<std::int32_t> labels_;
    std::vector<double> peaks_;
    std::vector<float> values_;
    std::int32_t bad_frame_ = 0;
    bool proven_ = false;
    double log_prob_ = 0.0;
    ScaledForward forward_;
};

}  // namespace ctc

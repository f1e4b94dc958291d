// Exact probabilities of given labellings (the forward algorithm of Graves et al. 2006, section 4.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctc/prefix_beam_search.hpp"
#include "ctc/prob.hpp"

namespace ctc {

// A view of a labelling: classes, none of which is the blank.
struct LabellingView {
    const std::int32_t* labels = nullptr;
    std::int32_t count = 0;
};

struct LabellingScores {
    Status status = Status::ok;
    std::int32_t frame = 0;         // the first frame with that status, if not ok
    double log_mass = 0.0;          // of all labellings together: the sum of the logarithms of the row sums
    std::vector<double> log_probs;  // of each labelling, the sum over all its alignments; empty unless ok
};

// Scores the labellings of each sequence. A result depends neither on the other sequences nor on the number
// of threads. Each has a relative error of about frames * 1e-15, and none underflows.
std::vector<LabellingScores> score_labellings(const std::vector<LogProbs>& batch,
                                              const std::vector<std::vector<LabellingView>>& labellings,
                                              std::int32_t blank, std::int32_t threads);

// One frame as probabilities, and their sum.
class ProbFrame {
  public:
    Status read(const LogProbs& log_probs, std::int32_t frame);

    Prob at(std::int32_t label) const { return probs_[static_cast<std::size_t>(label)]; }
    Prob sum() const { return sum_; }

  private:
    std::vector<Prob> probs_;
    Prob sum_;
};

// The forward variables of one labelling.
class ForwardSums {
  public:
    void start(LabellingView labelling);

    // Advances from `frame` frames to one more, of `frames` in all.
    void advance(const ProbFrame& probs, std::int32_t blank, std::int32_t frame, std::int32_t frames);

    // The probability of the labelling, after the last frame.
    Prob total() const;

  private:
    // After each frame, for the places that can still reach the end:
    // - label_[i] is the sum over the alignments that end in label i, blank_[i] over those that end in the
    //   blank before it; the last of blank_ is the blank at the end.
    LabellingView labelling_;
    std::vector<Prob> label_;
    std::vector<Prob> blank_;
};

}  // namespace ctc

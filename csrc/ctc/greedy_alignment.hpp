// The most probable alignment of a labelling, where it is the most probable class of every frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctc/prefix_beam_search.hpp"

namespace ctc {

// Most searches return the labelling that the best path collapses to, and then the best path is its most
// probable alignment: no alignment has a higher log-probability in any frame. If the next best one is worse
// by more than sums of float64 may be rounded, label_runs() of alignment.hpp would find the same.
//
// Where two alignments of a labelling first differ, each has one of three classes: the label that both are
// in, the blank, or the next label. So the smallest difference between these three in any frame is a lower
// bound of what another alignment loses.
class GreedyAlignment {
  public:
    void clear() { frames_.clear(); }

    // Adds a frame: the highest log-probability of its labels, and that of the blank.
    void add(double log_label, double log_blank) { frames_.push_back({log_label, log_blank}); }

    // Writes the frames of peak_frames(). Returns false, with `peaks` unspecified, if they are not known
    // without the Viterbi algorithm: also if other frames than those of `log_probs` were added.
    bool find_peaks(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                    std::vector<std::int32_t>& peaks) const;

  private:
    struct Frame {
        double log_label;
        double log_blank;
    };
    std::vector<Frame> frames_;
};

}  // namespace ctc

// The interface of a search that is given one frame after another.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/prefix_beam_search.hpp"

namespace ctc {

// Decodes one sequence at a time. Memory is kept between sequences.
class FrameSearch {
  public:
    virtual ~FrameSearch() = default;

    // Starts a sequence of frames with `classes` classes: the beam is the empty labelling.
    virtual void start(std::int32_t classes) = 0;

    // Advances by frame `frame` of `log_probs`, the one after the last that was pushed. Sets `status`; if
    // that is not ok, the beam is unchanged. Returns false if the probabilities of the sequence are too far
    // apart for this search; it has to be started again then.
    virtual bool push(const LogProbs& log_probs, std::int32_t frame, Status& status) = 0;

    // Sets the number of frames that follow. A guided search then drops what cannot end in them; before, only
    // labellings that can never end.
    virtual void limit(std::int32_t /*frames*/) {}

    // Whether write_best() is within the range of the search. If not, it has to be started again, as after
    // push().
    virtual bool ends_in_range() const { return true; }

    // Writes the best labelling, which need not be permitted to end: without the weight of an end. None if
    // the beam is empty.
    virtual void write_leader(std::vector<Hypothesis>& hypotheses) { write_best(1, nullptr, hypotheses); }

    // Writes the `n_best` best labellings, best first; fewer if the beam has fewer. Computes the frames of
    // their labels from `all_frames`, which has every frame that was pushed; not if it is null.
    virtual void write_best(std::int32_t n_best, const LogProbs* all_frames,
                            std::vector<Hypothesis>& hypotheses) = 0;

    // Returns the longest common prefix of all labellings in the beam; none if it is empty. Every labelling
    // of a later beam begins with it, because it is one of these with labels appended.
    virtual std::vector<std::int32_t> common_prefix() const = 0;
};

}  // namespace ctc

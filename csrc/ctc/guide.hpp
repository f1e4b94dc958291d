// Guide: what a labelling may be, and what its labels cost or earn beside their CTC probability.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "ctc/guide_table.hpp"

namespace ctc {

// A weighted deterministic automaton over the classes: a constraint, a language model, or a product of them.
//
// The score of a labelling is log p_ctc(labelling) + the sum of the log weights of its labels + the final log
// weight of the state after the last one. A guided search ranks by it, and returns only labellings that may
// end.
//
// Implementations are immutable: all threads share one. Member functions throw std::bad_alloc and nothing
// else, and may be called with any state in [0, states()).
class Guide {
  public:
    using State = std::int64_t;
    static constexpr State kDead = -1;
    static constexpr std::int32_t kNever = std::numeric_limits<std::int32_t>::max();
    // The bounds of every log weight.
    static constexpr double kLowestLogWeight = -1e6;
    static constexpr double kHighestLogWeight = 1e6;
    // The highest log weight for a search in doubles: e^100 a frame is more than most models earn, and far
    // from overflow. With a guide that has a higher one every sequence is decoded by the exact search.
    static constexpr double kHighestInDoubles = 100.0;

    // A log weight within the bounds; NaN is the lowest.
    static double bounded(double log_weight) {
        return std::min(kHighestLogWeight, std::max(kLowestLogWeight, log_weight));
    }

    Guide() = default;
    Guide(const Guide&) = delete;
    Guide& operator=(const Guide&) = delete;
    virtual ~Guide() = default;

    // The number of classes of the log-probabilities that the guide is for, the blank included.
    virtual std::int32_t classes() const = 0;

    // The number of states. Not all of them need to be stored or reachable.
    virtual State states() const = 0;

    // The state of the empty labelling.
    virtual State start() const = 0;

    // Writes for each class k the state after it, or kDead if no permitted labelling continues with it, and
    // its log weight, in [kLowestLogWeight, kHighestLogWeight]; 0 for a mere constraint, and for kDead. The
    // search ignores what is written for the blank. Both arrays have classes() elements.
    virtual void row(State state, State* next_K, double* log_weight_K) const = 0;

    // The log weight of a labelling's end in this state, within the same bounds; -inf if none may end there.
    virtual double final_log_weight(State state) const = 0;

    // An upper bound of all log weights, of labels and of ends.
    virtual double highest_log_weight() const = 0;

    // A lower bound on the number of frames after which a labelling in this state may end: the number of
    // further labels, plus the blanks that must stand between equal ones among them. 0 if it may end at once,
    // kNever if it can never end. The closer the bound, the sooner the search drops what cannot be finished.
    virtual std::int32_t shortest(State state) const = 0;

    // The same bound directly after a frame in which `label` has led to `state`. It is one higher than
    // shortest() if every continuation of that many frames begins with `label` again, because then a blank
    // has to come first. A guide that does not know this may leave it.
    virtual std::int32_t shortest_after(std::int32_t /*label*/, State state) const { return shortest(state); }

    // An upper bound of shortest() and shortest_after() of the states that can end. While at least so many
    // frames remain, their number decides nothing.
    virtual std::int32_t most_frames_to_end() const = 0;

    // The rows of all states, by state, if the guide stores them: then a search reads them there. Else null,
    // and each search computes the rows that it uses. Belongs to the guide.
    virtual const GuideTable* table() const { return nullptr; }
};

}  // namespace ctc

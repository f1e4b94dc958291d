// Upper bounds of the probability of what may follow a label in an automaton, for the search over prefixes.
//
// For an edge e with label k, A_e(t) bounds, for any continuation s that is accepted from the edge's target,
// the probability that the frames behind t add exactly s to a labelling that has this label at t. It follows
// backwards as A_k(t) does in lane_continuations.hpp, with the edges f that follow e in place of all labels,
// and "nothing is added" only where the target is an accepting state. As there, an edge has a value of its
// own for each one that follows it (N_ef) only where its label has more than a small probability.
//
// The operations are those of one double at a time, for all instruction sets.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/reached_automaton.hpp"

namespace ctc {

// Keeps its memory between sequences.
class ConstrainedContinuations {
  public:
    // Writes, for each frame and edge, the probability of its label times A. `probs` has `stride`
    // probabilities for each frame, by place; `blank` that of the blank.
    void run(const double* probs, const double* blank, std::int32_t frames, std::int32_t stride,
             const ReachedAutomaton& automaton, double* weights);

  private:
    // As in LaneContinuations.
    static constexpr double kStrong = 0.05;
    static constexpr std::int64_t kNone = -1;

    void start(const ReachedAutomaton& automaton, std::int32_t stride);
    void begin_frame(const ReachedAutomaton& automaton, const double* weights, double blank);
    double step_own(const ReachedAutomaton& automaton, std::int32_t edge, double stay, double blank);

    std::vector<double> ends_;  // by place: E_k
    std::vector<double> most_;  // by state: the largest B_f(t-1) of its edges
    // By edge, as in LaneContinuations: B_f(t-1), B_f(t), at least the largest N_ef, and what N_ef - B_f is
    // at most where an edge has no N_ef of its own.
    std::vector<double> begins_, begins_later_, largest_, beside_;
    // The edges with N_ef of their own in frame t-1, and by edge where they begin in steps_, for frame t;
    // kNone if it has none.
    std::vector<std::int32_t> owners_, next_owners_;
    std::vector<std::int64_t> place_;
    std::vector<std::int64_t> next_places_;  // of next_owners_
    std::vector<double> steps_, next_steps_;
};

}  // namespace ctc

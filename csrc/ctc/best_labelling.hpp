// The most probable labelling, with a certificate.
//
// Three proofs. Probabilities are relative to that of all labellings together, the product of the row sums,
// so that all of them sum to 1.
// 1. The labelling of the best path, if it has more than one half (lane_best_path.hpp).
// 2. Best-first search over prefixes with an upper bound for each (lane_prefix_search.hpp), which begins with
// the
//    labelling of the best path as the best one: at first for a few prefixes, because mostly they are enough.
// 3. A beam search. Let m_i be the sum over the alignments of labelling i that were in the beam, and p_i >=
// m_i
//    its probability. The beam lacks R = 1 - sum of all m_i. No labelling outside of it can have more than R,
//    and labelling i at most m_i + R. With exact p_i in place of some m_i, R is smaller and still a bound.
//    If that is no proof, the search over prefixes is done again, with the best labelling of the beam.
//
// With a constraint all of this is done among the labellings that it accepts
// (lane_constrained_best_search.hpp).
//
// Rounding: every bound is raised by more than the rounding error that it and the probability it is compared
// with can have, so a proof is valid for the exact values of the log-probabilities. The exception are ties:
// "most probable" means that no labelling is more probable by more than kTie of it, or by more than rounding
// can tell, frames * 4e-15. Of the ties that were evaluated the lexicographically smallest is returned.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/prefix_beam_search.hpp"

namespace ctc {

class Automaton;

// `nothing`: no labelling that the constraint accepts is possible.
enum class Proof { none, best_path, beam, prefixes, nothing };

struct BestOptions {
    std::int32_t blank = 0;        // in [0, classes)
    std::int32_t beam_width = 25;  // of the beam search, at least 1
    std::int32_t nodes = 10000;    // prefixes that the last search may store for a sequence; 0 for no search
    std::int32_t threads = 1;      // at least 1; the results do not depend on it
    Path path = Path::automatic;   // of the beam search, one of paths()
    // If it is not null, the most probable of the labellings that it accepts is found. It must be without
    // weights, for the classes of every sequence, and must outlive the call.
    const Automaton* constraint = nullptr;
};

struct BestLabelling {
    Status status = Status::ok;
    std::int32_t frame = 0;  // the first frame with that status, if not ok
    std::vector<std::int32_t> labels;
    double log_prob = 0.0;  // the sum over all alignments; -inf if there is no labelling
    Proof proof = Proof::none;
    // No labelling is more than exp(gap) times as probable; 0 if proven.
    double gap = 0.0;
};

// Finds the most probable labelling of each sequence. A result depends neither on the other sequences nor on
// the number of threads nor on the time.
std::vector<BestLabelling> best_labellings(const std::vector<LogProbs>& batch, const BestOptions& options);

}  // namespace ctc

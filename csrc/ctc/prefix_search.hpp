// Best-first search over prefixes (Graves 2006, section 3.2), with a bound on each prefix's best labelling.
//
// Graves ranks a prefix by the probability of all labellings that begin with it. Where several places of a
// sequence are ambiguous, these sums stay above the best labelling for exponentially many prefixes. Here a
// prefix is ranked by an upper bound of the most probable single labelling that begins with it:
//
//     sum over frames t of  (probability that label k is appended to the prefix at t) * A_k(t)
//
// where A_k(t) bounds, for any continuation s, the probability that the frames behind t add exactly s to a
// labelling that has label k at t. It follows backwards from its definition, as the larger one of
// - E_k(t): nothing is added: the frames are k up to some frame, and blank behind it;
// - the largest N_kj(t) = sum over u > t of (frames t+1 to u-1 add nothing) * y_j(u) * A_j(u) of any label j,
//   where the frames between must contain a blank if j = k. For the s that begins with j, the sum is not
//   below its probability, because A_j(u) is not, whatever follows j.
// The bound is the exact probability if only one continuation is possible.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/posteriors.hpp"

namespace ctc {

// Keeps its memory between sequences.
class PrefixSearch {
  public:
    // Classes times frames above this are not searched.
    static constexpr std::size_t kMostProbs = std::size_t{1} << 22;
    // With more classes, A_k(t) is replaced by its upper bound 1: it takes classes^2 * frames operations.
    static constexpr std::size_t kMostBoundedClasses = 256;

    // Offers every labelling that may be more probable than `best`, which must have one already, and returns
    // an upper bound of the probability of any labelling that was not offered. It is 0 if the search has
    // ended, else it has stored `most_nodes` prefixes.
    double run(const LogProbs& log_probs, std::int32_t blank, const Posteriors& posteriors,
               std::int32_t most_nodes, BestOffer& best);

  private:
    static constexpr std::int32_t kNone = -1;
    static constexpr std::size_t kMostSums = std::size_t{1} << 22;  // stored doubles: 32 MB

    // The sums of a prefix over its alignments to the first t frames, for t from 0 to the number of frames.
    struct Sums {
        std::vector<double> blank;  // those that end in blank
        std::vector<double> label;  // those that end in its last label
    };
    struct Node {
        std::int32_t parent;
        std::int32_t symbol;  // place in classes_
        std::int32_t sums;    // place in sums_, or kNone
    };
    struct Open {
        double bound;
        std::int32_t node;
        bool operator<(const Open& other) const {
            return bound != other.bound ? bound < other.bound : node > other.node;
        }
    };

    bool read(const LogProbs& log_probs, std::int32_t blank, const Posteriors& posteriors, double least);
    void weigh_continuations();
    void start();
    const Sums& sums_of(std::int32_t node);
    void extend(const Sums& from, std::int32_t last, std::int32_t symbol, Sums& to) const;
    void bound_children(const Sums& sums, std::int32_t last);
    std::vector<std::int32_t> labels_of(std::int32_t node) const;

    std::size_t frames_ = 0;
    std::vector<std::int32_t> classes_;  // those that the best labelling can have
    std::vector<double> blank_;          // of each frame
    std::vector<double> probs_;          // of each frame and each of classes_
    std::vector<double> weights_;        // probs_ times A
    std::vector<double> steps_;          // N, of the current frame
    std::vector<double> after_blank_, behind_blank_;
    std::vector<double> ends_;  // E
    std::vector<Node> nodes_;
    std::vector<Open> open_;  // a heap
    std::vector<Sums> sums_;
    std::size_t num_sums_ = 0;
    Sums scratch_[2];
    std::vector<std::int32_t> chain_;
    std::vector<double> bounds_;  // of the children of a prefix
};

}  // namespace ctc

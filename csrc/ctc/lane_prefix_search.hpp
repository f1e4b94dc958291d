// Best-first search over prefixes (Graves 2006, section 3.2), with a bound on each prefix's best labelling.
//
// Graves ranks a prefix by the probability of all labellings that begin with it. Where several places of a
// sequence are ambiguous, these sums stay above the best labelling for exponentially many prefixes. Here a
// prefix is ranked by an upper bound of the most probable single labelling that begins with it:
//
//     sum over frames t of  (probability that label k is appended to the prefix at t) * A_k(t)
//
// where A_k(t) bounds, for any continuation s, the probability that the frames behind t add exactly s to a
// labelling that has label k at t (lane_continuations.hpp).
#pragma once

#include "ctc/lane_continuations.hpp"
#include "ctc/lane_prefixes.hpp"

namespace ctc {

// Keeps its memory between sequences.
template <class L>
class LanePrefixSearch {
  public:
    // Offers every labelling that may be more probable than `best`, which must have one already, and returns
    // an upper bound of the probability of any labelling that was not offered. It is 0 if the search has
    // ended, else it has stored `most_nodes` prefixes.
    double run(const LogProbs& log_probs, std::int32_t blank, const LanePosteriors<L>& posteriors,
               std::int32_t most_nodes, BestOffer& best);

  private:
    using D = typename L::D;
    using Prefixes = LanePrefixes<L>;
    using Open = typename Prefixes::Open;

    void bound_children(const typename Prefixes::Sums& sums, std::int32_t last);

    Prefixes prefixes_;
    LaneContinuations<L> continuations_;
    std::vector<Open> open_;  // a heap
    Column<double> weights_;  // the probabilities of prefixes_ times A
    Column<double> reached_;  // of each frame: the sum of the prefix that is extended
    Column<double> bounds_;   // of the children of a prefix
};

template <class L>
double LanePrefixSearch<L>::run(const LogProbs& log_probs, std::int32_t blank,
                                const LanePosteriors<L>& posteriors, std::int32_t most_nodes,
                                BestOffer& best) {
    const double raise = 1.0 + posteriors.margin();
    // The best labelling can only have classes with this probability.
    const double least = best.highest() / raise;
    const double* masses = posteriors.class_masses();
    if (!prefixes_.read(log_probs, blank, posteriors, [&](std::int32_t k) { return masses[k] >= least; }))
        return 1.0;
    const std::int32_t frames = prefixes_.frames();
    const std::int32_t stride = prefixes_.stride();
    reached_.reserve(static_cast<std::size_t>(whole_lanes(frames)));
    weights_.reserve(static_cast<std::size_t>(frames) * static_cast<std::size_t>(stride));
    bounds_.reserve(static_cast<std::size_t>(stride));
    if (frames > 0) continuations_.run(prefixes_.probs(), prefixes_.blank(), frames, stride, weights_.data());
    prefixes_.start();
    open_.assign(1, {1.0, 0});
    while (!open_.empty()) {
        const Open next = open_.front();
        if (next.bound * raise < best.highest()) return 0.0;  // and so has every other prefix
        std::pop_heap(open_.begin(), open_.end());
        open_.pop_back();
        const auto& sums = prefixes_.sums_of(next.node);
        const double prob = sums.prob();
        if (best.reaches(prob)) best.offer(prefixes_.labels_of(next.node), prob);
        bound_children(sums, prefixes_.symbol(next.node));
        const D highest = L::broadcast(best.highest());
        for (std::int32_t first = 0; first < stride; first += kLanes) {
            const D raised = L::mul(L::load(bounds_.data() + first), L::broadcast(raise));
            for (unsigned mask = L::at_least(raised, highest); mask != 0; mask &= mask - 1) {
                if (prefixes_.count() >= static_cast<std::size_t>(most_nodes)) return next.bound * raise;
                const std::int32_t symbol = first + lowest_bit(mask);
                open_.push_back({bounds_.data()[symbol], prefixes_.add(next.node, symbol)});
                std::push_heap(open_.begin(), open_.end());
            }
        }
    }
    return 0.0;
}

// Fills bounds_ for each label that can be appended to a prefix.
template <class L>
void LanePrefixSearch<L>::bound_children(const typename Prefixes::Sums& sums, std::int32_t last) {
    const std::int32_t frames = prefixes_.frames();
    const std::int32_t stride = prefixes_.stride();
    double* reached = reached_.data();
    prefixes_.write_reached(sums, reached);
    for (std::int32_t j = 0; j < stride; j += kLanes) {
        D bound = L::broadcast(0.0);
        const double* weights = weights_.data() + j;
        for (std::int32_t t = 0; t < frames; ++t, weights += stride)
            bound = L::add(bound, L::mul(L::broadcast(reached[t]), L::load(weights)));
        L::store(bounds_.data() + j, bound);
    }
    if (last == Prefixes::kNone) return;
    double repeated = 0.0;
    for (std::int32_t t = 0; t < frames; ++t)
        repeated +=
            sums.blank[static_cast<std::size_t>(t)] * weights_.data()[std::ptrdiff_t{t} * stride + last];
    bounds_.data()[last] = repeated;
}

}  // namespace ctc

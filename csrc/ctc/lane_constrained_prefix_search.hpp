// Best-first search over the prefixes of the labellings that an automaton accepts.
//
// As lane_prefix_search.hpp, in the product with the automaton: a prefix has the state after it, and only the
// labels of that state's edges extend it. Its bound has, in place of A_k(t), what follows the edge in the
// automaton (constrained_continuations.hpp), so that a prefix which can no longer be accepted in the frames
// that remain has the bound 0. That takes a number for each frame and edge. Where the sequence can reach too
// many edges for that, A_k(t) bounds what follows, and frames are not counted that are too late for the edge.
#pragma once

#include "ctc/lane_continuations.hpp"
#include "ctc/lane_prefixes.hpp"

namespace ctc {

// Keeps its memory between sequences.
template <class L>
class LaneConstrainedPrefixSearch {
  public:
    // Offers every accepted labelling that may be more probable than `best`, which must have one already, and
    // returns an upper bound of the probability of any accepted labelling that was not offered. It is 0 if
    // the search has ended, else it has stored `most_nodes` prefixes.
    double run(const LogProbs& log_probs, std::int32_t blank, const Automaton& automaton,
               const LanePosteriors<L>& posteriors, std::int32_t most_nodes, BestOffer& best);

  private:
    using D = typename L::D;
    using Prefixes = LanePrefixes<L>;
    using Open = typename Prefixes::Open;
    static constexpr std::int32_t kNone = Prefixes::kNone;
    // Edges times frames for which continuations are computed, for each node that the search may store: they
    // should not take longer than the search. And at most: 32 MB.
    static constexpr std::size_t kWeightsPerNode = 1024;
    static constexpr std::size_t kMostWeights = std::size_t{1} << 22;

    static std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

    void start(const Automaton& automaton, std::int32_t most_nodes);
    void bound_children(const typename Prefixes::Sums& sums, std::int32_t last, std::int32_t state);
    void bound_in_automaton(const typename Prefixes::Sums& sums, std::int32_t last, std::int64_t first,
                            std::int64_t end);
    void bound_by_classes(const typename Prefixes::Sums& sums, std::int32_t last, std::int64_t first,
                          std::int64_t end);

    const Automaton* automaton_ = nullptr;
    Prefixes prefixes_;
    std::vector<std::int32_t> states_;  // of each prefix, in edges_
    std::vector<std::int32_t> place_;   // of each class in prefixes_.classes(), or kNone
    std::vector<Open> open_;            // a heap
    ReachedAutomaton reached_automaton_;
    AutomatonEdges edges_;      // of reached_automaton_ if in_automaton_, else of the whole automaton
    bool in_automaton_ = true;  // whether weights_ has a value for each edge, not each class
    ConstrainedContinuations constrained_;
    LaneContinuations<L> continuations_;
    Column<double> weights_;
    std::int32_t stride_ = 0;  // of weights_
    Column<double> reached_;   // of each frame: the sum of the prefix that is extended
    Column<double> bounds_;    // of the edges that extend a prefix
};

template <class L>
double LaneConstrainedPrefixSearch<L>::run(const LogProbs& log_probs, std::int32_t blank,
                                           const Automaton& automaton, const LanePosteriors<L>& posteriors,
                                           std::int32_t most_nodes, BestOffer& best) {
    const double raise = 1.0 + posteriors.margin();
    // The best labelling can only have classes with this probability.
    const double least = best.highest() / raise;
    const double* masses = posteriors.class_masses();
    if (!prefixes_.read(log_probs, blank, posteriors, [&](std::int32_t k) { return masses[k] >= least; }))
        return 1.0;
    place_.assign(index(log_probs.classes), kNone);
    for (std::size_t i = 0; i < prefixes_.classes().size(); ++i)
        place_[index(prefixes_.classes()[i])] = static_cast<std::int32_t>(i);
    start(automaton, most_nodes);
    while (!open_.empty()) {
        const Open next = open_.front();
        if (next.bound * raise < best.highest()) return 0.0;  // and so has every other prefix
        std::pop_heap(open_.begin(), open_.end());
        open_.pop_back();
        const std::int32_t state = states_[index(next.node)];
        const auto& sums = prefixes_.sums_of(next.node);
        const double prob = sums.prob();
        if (edges_.accepting[state] != 0 && best.reaches(prob))
            best.offer(prefixes_.labels_of(next.node), prob);
        bound_children(sums, prefixes_.symbol(next.node), state);
        const std::int64_t first = edges_.offsets[state];
        for (std::int64_t edge = first; edge < edges_.offsets[state + 1]; ++edge) {
            const double bound = bounds_.data()[edge - first];
            if (bound * raise < best.highest()) continue;
            if (prefixes_.count() >= index(most_nodes)) return next.bound * raise;
            open_.push_back({bound, prefixes_.add(next.node, place_[index(edges_.labels[edge])])});
            states_.push_back(edges_.targets[edge]);
            std::push_heap(open_.begin(), open_.end());
        }
    }
    return 0.0;
}

// Computes the continuations, and starts with the empty prefix.
template <class L>
void LaneConstrainedPrefixSearch<L>::start(const Automaton& automaton, std::int32_t most_nodes) {
    automaton_ = &automaton;
    const std::int32_t frames = prefixes_.frames();
    const std::size_t most_weights = std::min(kMostWeights, kWeightsPerNode * index(most_nodes));
    in_automaton_ =
        reached_automaton_.run(automaton, place_, frames, most_weights / index(std::max(frames, 1)));
    edges_ = in_automaton_ ? reached_automaton_.edges() : automaton.edges();
    stride_ = in_automaton_ ? reached_automaton_.count() : prefixes_.stride();
    reached_.reserve(index(whole_lanes(frames)));
    weights_.reserve(index(frames) * index(stride_));
    if (frames > 0 && in_automaton_)
        constrained_.run(prefixes_.probs(), prefixes_.blank(), frames, prefixes_.stride(), reached_automaton_,
                         weights_.data());
    if (frames > 0 && !in_automaton_)
        continuations_.run(prefixes_.probs(), prefixes_.blank(), frames, stride_, weights_.data());
    prefixes_.start();
    open_.assign(1, {1.0, 0});
    states_.assign(1, edges_.start);
}

// Fills bounds_ for each edge of a state, where `last` is the last label of the prefix, or kNone.
template <class L>
void LaneConstrainedPrefixSearch<L>::bound_children(const typename Prefixes::Sums& sums, std::int32_t last,
                                                    std::int32_t state) {
    const std::int64_t first = edges_.offsets[state];
    const std::int64_t end = edges_.offsets[state + 1];
    bounds_.reserve(index(whole_lanes(static_cast<std::int32_t>(end - first))));
    prefixes_.write_reached(sums, reached_.data());
    if (in_automaton_)
        bound_in_automaton(sums, last, first, end);
    else
        bound_by_classes(sums, last, first, end);
}

template <class L>
void LaneConstrainedPrefixSearch<L>::bound_in_automaton(const typename Prefixes::Sums& sums,
                                                        std::int32_t last, std::int64_t first,
                                                        std::int64_t end) {
    const std::int32_t frames = prefixes_.frames();
    const double* reached = reached_.data();
    double* bounds = bounds_.data();
    for (std::int64_t edge = first; edge < end; edge += kLanes) {
        D bound = L::broadcast(0.0);
        const double* weights = weights_.data() + edge;  // the last register has edges of other states, too
        for (std::int32_t t = 0; t < frames; ++t, weights += stride_)
            bound = L::add(bound, L::mul(L::broadcast(reached[t]), L::load(weights)));
        L::store(bounds + (edge - first), bound);
    }
    if (last == kNone) return;
    const std::int32_t* labels = edges_.labels;
    const std::int32_t label = prefixes_.classes()[index(last)];
    const std::int64_t edge = std::lower_bound(labels + first, labels + end, label) - labels;
    if (edge == end || labels[edge] != label) return;
    double repeated = 0.0;
    for (std::int32_t t = 0; t < frames; ++t)
        repeated += sums.blank[index(t)] * weights_.data()[std::ptrdiff_t{t} * stride_ + edge];
    bounds[edge - first] = repeated;
}

template <class L>
void LaneConstrainedPrefixSearch<L>::bound_by_classes(const typename Prefixes::Sums& sums, std::int32_t last,
                                                      std::int64_t first, std::int64_t end) {
    for (std::int64_t edge = first; edge < end; ++edge) {
        const std::int32_t label = edges_.labels[edge];
        const std::int32_t place = place_[index(label)];
        const std::int64_t needed = automaton_->shortest_after(label, edges_.targets[edge]);
        const double* reached = place == last ? sums.blank.data() : reached_.data();
        double bound = 0.0;
        if (place != kNone)
            for (std::int64_t t = 0; t < prefixes_.frames() - needed; ++t)
                bound += reached[t] * weights_.data()[t * stride_ + place];
        bounds_.data()[edge - first] = bound;
    }
}

}  // namespace ctc

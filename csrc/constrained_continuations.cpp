// ConstrainedContinuations: from the last frame to the first.
#include "ctc/constrained_continuations.hpp"

#include <algorithm>

namespace ctc {

namespace {

std::size_t index(std::int64_t value) {
    return static_cast<std::size_t>(value);
}

}  // namespace

void ConstrainedContinuations::start(const ReachedAutomaton& automaton, std::int32_t stride) {
    for (std::vector<double>* column : {&begins_, &begins_later_, &largest_, &beside_})
        column->assign(index(automaton.count()), 0.0);
    ends_.assign(index(stride), 1.0);
    most_.resize(index(automaton.states()));
    place_.assign(index(automaton.count()), kNone);
    owners_.clear();
}

void ConstrainedContinuations::run(const double* probs, const double* blank, std::int32_t frames,
                                   std::int32_t stride, const ReachedAutomaton& automaton, double* weights) {
    start(automaton, stride);
    const std::int32_t count = automaton.count();
    const AutomatonEdges edges = automaton.edges();
    const std::int32_t* places = automaton.places();
    const double* stays = probs + std::ptrdiff_t{frames - 1} * stride;
    double* weight = weights + std::ptrdiff_t{frames - 1} * count;
    for (std::int32_t e = 0; e < count; ++e)
        weight[e] = edges.accepting[edges.targets[e]] != 0 ? stays[places[e]] : 0.0;
    double end_after_blank = 1.0;
    for (std::int32_t frame = frames - 1; frame > 0; --frame, stays -= stride, weight -= count) {
        begin_frame(automaton, weight, blank[frame]);
        const double end = blank[frame] * end_after_blank;
        for (std::int32_t k = 0; k < stride; ++k) ends_[index(k)] = stays[k] * ends_[index(k)] + end;
        next_owners_.clear();
        next_places_.clear();
        next_steps_.clear();
        const double* before = stays - stride;
        for (std::int32_t e = 0; e < count; ++e) {
            const std::int32_t target = edges.targets[e];
            const double stay = stays[places[e]];
            const double beside = stay * largest_[index(e)];
            double most = beside + most_[index(target)];
            if (stay >= kStrong && most > 0.0) most = step_own(automaton, e, stay, blank[frame]);
            beside_[index(e)] = beside;
            largest_[index(e)] = most;
            if (edges.accepting[target] != 0) most = std::max(most, ends_[index(places[e])]);
            (weight - count)[e] = before[places[e]] * most;
        }
        for (const std::int32_t e : owners_) place_[index(e)] = kNone;
        for (std::size_t i = 0; i < next_owners_.size(); ++i)
            place_[index(next_owners_[i])] = next_places_[i];
        owners_.swap(next_owners_);
        steps_.swap(next_steps_);
        end_after_blank = end;
    }
}

// Fills begins_ and most_ from the weights of frame t.
void ConstrainedContinuations::begin_frame(const ReachedAutomaton& automaton, const double* weights,
                                           double blank) {
    const AutomatonEdges edges = automaton.edges();
    begins_.swap(begins_later_);
    for (std::int32_t e = 0; e < automaton.count(); ++e)
        begins_[index(e)] = blank * begins_later_[index(e)] + weights[e];
    for (std::int32_t state = 0; state < automaton.states(); ++state) {
        double most = 0.0;
        for (std::int64_t e = edges.offsets[state]; e < edges.offsets[state + 1]; ++e)
            most = std::max(most, begins_[index(e)]);
        most_[index(state)] = most;
    }
}

// Writes N_ef(t-1) of an edge to next_steps_; returns the largest.
double ConstrainedContinuations::step_own(const ReachedAutomaton& automaton, std::int32_t edge, double stay,
                                          double blank) {
    const AutomatonEdges edges = automaton.edges();
    const std::int64_t first = edges.offsets[edges.targets[edge]];
    const std::int64_t end = edges.offsets[edges.targets[edge] + 1];
    const std::int64_t repeat = automaton.repeats()[edge];
    const std::int64_t place = place_[index(edge)];
    // N_ef(t), or what it is at most.
    const double* later = place == kNone ? begins_later_.data() + first : steps_.data() + place;
    const double beside = place == kNone ? beside_[index(edge)] : 0.0;
    next_owners_.push_back(edge);
    next_places_.push_back(static_cast<std::int64_t>(next_steps_.size()));
    double most = 0.0;
    for (std::int64_t f = first; f < end; ++f) {
        // A repeated label needs a blank between.
        const double begin = f == repeat ? blank * begins_later_[index(f)] : begins_[index(f)];
        const double step = stay * (later[f - first] + beside) + begin;
        next_steps_.push_back(step);
        most = std::max(most, step);
    }
    return most;
}

}  // namespace ctc

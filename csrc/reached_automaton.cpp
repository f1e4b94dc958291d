// ReachedAutomaton: breadth-first search from the start.
#include "ctc/reached_automaton.hpp"

#include <algorithm>

namespace ctc {

namespace {

std::size_t index(std::int64_t value) {
    return static_cast<std::size_t>(value);
}

}  // namespace

bool ReachedAutomaton::run(const Automaton& automaton, const std::vector<std::int32_t>& place_of_class,
                           std::int32_t frames, std::size_t most_edges) {
    for (std::vector<std::int32_t>* column : {&labels_, &targets_, &places_, &whole_, &depth_})
        column->clear();
    accepting_.clear();
    offsets_.clear();
    number_.resize(index(automaton.states()), kNone);
    const bool complete = explore(automaton, place_of_class, frames, most_edges);
    for (const std::int32_t state : whole_) number_[index(state)] = kNone;
    if (complete) find_repeats();
    return complete;
}

bool ReachedAutomaton::explore(const Automaton& automaton, const std::vector<std::int32_t>& place_of_class,
                               std::int32_t frames, std::size_t most_edges) {
    const AutomatonEdges all = automaton.edges();
    number_of(automaton, all.start, 0);
    for (std::size_t i = 0; i < whole_.size(); ++i) {
        offsets_.push_back(static_cast<std::int64_t>(labels_.size()));
        const std::int32_t state = whole_[i];
        const std::int32_t depth = depth_[i] + 1;
        for (std::int64_t edge = all.offsets[state]; edge < all.offsets[state + 1]; ++edge) {
            const std::int32_t label = all.labels[edge];
            const std::int32_t place = place_of_class[index(label)];
            const std::int32_t needed = automaton.shortest_after(label, all.targets[edge]);
            if (place == kNone || needed > frames - depth) continue;
            if (labels_.size() == most_edges) return false;
            labels_.push_back(label);
            places_.push_back(place);
            targets_.push_back(number_of(automaton, all.targets[edge], depth));
        }
    }
    offsets_.push_back(static_cast<std::int64_t>(labels_.size()));
    return true;
}

std::int32_t ReachedAutomaton::number_of(const Automaton& automaton, std::int32_t state, std::int32_t depth) {
    std::int32_t& number = number_[index(state)];
    if (number == kNone) {
        number = states();
        accepting_.push_back(automaton.edges().accepting[state]);
        whole_.push_back(state);
        depth_.push_back(depth);
    }
    return number;
}

void ReachedAutomaton::find_repeats() {
    repeats_.clear();
    const std::int32_t* labels = labels_.data();
    for (std::size_t edge = 0; edge < labels_.size(); ++edge) {
        const std::int32_t* end = labels + offsets_[index(targets_[edge]) + 1];
        const std::int32_t* found =
            std::lower_bound(labels + offsets_[index(targets_[edge])], end, labels[edge]);
        const bool repeats = found != end && *found == labels[edge];
        repeats_.push_back(repeats ? static_cast<std::int32_t>(found - labels) : kNone);
    }
}

}  // namespace ctc

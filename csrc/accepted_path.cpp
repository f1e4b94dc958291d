// AcceptedPath: depth-first search in the product of the frames and the automaton.
#include "ctc/accepted_path.hpp"

#include <algorithm>

#include "ctc/alignment.hpp"
#include "ctc/prob.hpp"

namespace ctc {

AcceptedPath::Outcome AcceptedPath::run(const LogProbs& log_probs, std::int32_t blank,
                                        const Automaton& automaton) {
    start(log_probs, blank, automaton);
    while (!ways_.empty()) {
        const Way way = ways_.back();
        ways_.pop_back();
        if (!insert(way.to)) continue;
        if (num_seen_ > kMostSteps) return Outcome::unknown;
        // Behind the steps before it are those of ways that led nowhere.
        steps_.resize(static_cast<std::size_t>(way.to.frame));
        steps_.push_back(way);
        if (way.to.frame < log_probs.frames) {
            add_ways(way.to);
        } else if (edges_.accepting[way.to.state] != 0) {
            labels_.clear();
            for (const Way& step : steps_)
                if (step.extends) labels_.push_back(edges_.labels[step.to.edge]);
            return Outcome::found;
        }
    }
    return Outcome::nothing;
}

void AcceptedPath::start(const LogProbs& log_probs, std::int32_t blank, const Automaton& automaton) {
    log_probs_ = &log_probs;
    blank_ = blank;
    automaton_ = &automaton;
    edges_ = automaton.edges();
    num_places_ = static_cast<std::uint64_t>(automaton.states() + edges_.offsets[automaton.states()]);
    steps_.clear();
    ways_.assign(1, {0.0, {0, edges_.start, kNone}, false});
    seen_.assign(1024, 0);
    num_seen_ = 0;
}

// Returns false if the place has been inserted before.
bool AcceptedPath::insert(Place place) {
    const auto frame = static_cast<std::uint64_t>(place.frame);
    const auto states = static_cast<std::uint64_t>(automaton_->states());
    const std::uint64_t within = place.edge == kNone ? static_cast<std::uint64_t>(place.state)
                                                     : states + static_cast<std::uint64_t>(place.edge);
    const std::uint64_t number = frame * num_places_ + within + 1;
    const std::size_t mask = seen_.size() - 1;
    auto slot = static_cast<std::size_t>((number * 0x9E3779B97F4A7C15U) >> 32) & mask;
    for (; seen_[slot] != 0; slot = (slot + 1) & mask)
        if (seen_[slot] == number) return false;
    seen_[slot] = number;
    if (2 * ++num_seen_ > seen_.size()) grow();
    return true;
}

void AcceptedPath::grow() {
    std::vector<std::uint64_t> before(2 * seen_.size(), 0);
    before.swap(seen_);
    const std::size_t mask = seen_.size() - 1;
    for (const std::uint64_t number : before) {
        if (number == 0) continue;
        auto slot = static_cast<std::size_t>((number * 0x9E3779B97F4A7C15U) >> 32) & mask;
        while (seen_[slot] != 0) slot = (slot + 1) & mask;
        seen_[slot] = number;
    }
}

void AcceptedPath::add_ways(Place from) {
    const auto first = static_cast<std::ptrdiff_t>(ways_.size());
    const std::int32_t frame = from.frame + 1;
    const std::int32_t last = from.edge == kNone ? blank_ : edges_.labels[from.edge];
    add_way(blank_, automaton_->shortest(from.state), {frame, from.state, kNone}, false);
    if (from.edge != kNone)
        add_way(last, automaton_->shortest_after(last, from.state), {frame, from.state, from.edge}, false);
    for (std::int64_t edge = edges_.offsets[from.state]; edge < edges_.offsets[from.state + 1]; ++edge) {
        const std::int32_t label = edges_.labels[edge];
        if (label == last || label == blank_) continue;
        const std::int32_t target = edges_.targets[edge];
        add_way(label, automaton_->shortest_after(label, target), {frame, target, edge}, true);
    }
    std::sort(ways_.begin() + first, ways_.end());
}

// Adds a way of one frame with `label`, after which an end needs so many frames.
void AcceptedPath::add_way(std::int32_t label, std::int32_t needed, Place to, bool extends) {
    const double log_prob = possible_log(log_probs_->at(to.frame - 1, label));
    if (needed <= log_probs_->frames - to.frame && log_prob >= kLowestLog)
        ways_.push_back({log_prob, to, extends});
}

}  // namespace ctc

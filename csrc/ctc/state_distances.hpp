// Breadth-first search over the states of an automaton.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ctc {

// Returns for each state the least number of edges on a way from one of `starts`, or -1. The edges of state s
// are offsets[s] up to offsets[s + 1]; each leads to its element of `targets`.
inline std::vector<std::int32_t> state_distances(const std::vector<std::int32_t>& starts,
                                                 const std::int64_t* offsets, std::size_t num_states,
                                                 const std::int32_t* targets) {
    std::vector<std::int32_t> distances(num_states, -1);
    std::vector<std::int32_t> queue;
    queue.reserve(num_states);
    const auto visit = [&](std::int32_t state, std::int32_t distance) {
        if (distances[static_cast<std::size_t>(state)] >= 0) return;
        distances[static_cast<std::size_t>(state)] = distance;
        queue.push_back(state);
    };
    for (const std::int32_t start : starts) visit(start, 0);
    for (std::size_t next = 0; next < queue.size(); ++next) {
        const auto state = static_cast<std::size_t>(queue[next]);
        for (std::int64_t edge = offsets[state]; edge < offsets[state + 1]; ++edge)
            visit(targets[edge], distances[state] + 1);
    }
    return distances;
}

}  // namespace ctc

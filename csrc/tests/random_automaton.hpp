// Random automata for the test programs and the fuzz target.
#pragma once

#include <cstdint>

#include "ctc/automaton.hpp"

namespace ctc {

// `below(n)` returns a number in [0, n). Every state may have an edge for every class but the blank; states
// may be useless, so a search can find nothing.
template <class Below>
AutomatonArrays random_automaton(Below below, std::int32_t classes, std::int32_t blank) {
    constexpr double kWeights[] = {0.0, -0.5, -3.0, -30.0, 0.7, 4.0};
    AutomatonArrays arrays;
    const auto num_states = static_cast<std::int32_t>(1 + below(9));
    const std::int32_t one_in = 1 + below(4);
    const bool weighted = below(2) == 0;
    arrays.classes = classes;
    arrays.start = below(static_cast<std::uint32_t>(num_states));
    arrays.offsets.push_back(0);
    for (std::int32_t state = 0; state < num_states; ++state) {
        arrays.accepting.push_back(below(3) == 0 ? 1 : 0);
        if (weighted) arrays.final_log_weights.push_back(kWeights[below(6)]);
        for (std::int32_t label = 0; label < classes; ++label) {
            if (label == blank || below(static_cast<std::uint32_t>(one_in)) != 0) continue;
            arrays.labels.push_back(label);
            arrays.targets.push_back(below(static_cast<std::uint32_t>(num_states)));
            if (weighted) arrays.log_weights.push_back(kWeights[below(6)]);
        }
        arrays.offsets.push_back(static_cast<std::int64_t>(arrays.labels.size()));
    }
    return arrays;
}

}  // namespace ctc

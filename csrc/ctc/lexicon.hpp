// Minimal acyclic automaton of a list of words.
#pragma once

#include <cstdint>
#include <vector>

namespace ctc {

// A deterministic automaton. The edges of state s are offsets[s] up to offsets[s + 1], by ascending label.
struct AcyclicAutomaton {
    std::int32_t start = 0;
    std::vector<std::uint8_t> accepting;  // one for each state: whether a word ends there
    std::vector<std::int64_t> offsets{0};
    std::vector<std::int32_t> labels;
    std::vector<std::int32_t> targets;
};

// Returns the automaton with the fewest states that accepts exactly the words (Daciuk et al. 2000, algorithm
// 1). Word w has the labels from offsets[w] up to offsets[w + 1]. Words may repeat and come in any order;
// there must be at least one, and fewer than 2**31 - 1 labels in all.
AcyclicAutomaton minimal_automaton(const std::vector<std::int32_t>& labels,
                                   const std::vector<std::int64_t>& offsets);

}  // namespace ctc

// ReachedAutomaton: the part of an automaton that a sequence can use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctc/automaton.hpp"

namespace ctc {

// Keeps its memory between sequences.
class ReachedAutomaton {
  public:
    static constexpr std::int32_t kNone = -1;

    // Finds the edges with classes that have a place (`place_of_class`, kNone for the others) on ways from
    // the start that can be accepted in so many frames. Returns false if there are more than `most_edges`.
    bool run(const Automaton& automaton, const std::vector<std::int32_t>& place_of_class, std::int32_t frames,
             std::size_t most_edges);

    AutomatonEdges edges() const {
        return {0, accepting_.data(), offsets_.data(), labels_.data(), targets_.data()};
    }
    std::int32_t count() const { return static_cast<std::int32_t>(labels_.size()); }  // of edges
    std::int32_t states() const { return static_cast<std::int32_t>(accepting_.size()); }
    // By edge: the place of its class.
    const std::int32_t* places() const { return places_.data(); }
    // By edge: the edge of its target that has the same class, or kNone.
    const std::int32_t* repeats() const { return repeats_.data(); }

  private:
    bool explore(const Automaton& automaton, const std::vector<std::int32_t>& place_of_class,
                 std::int32_t frames, std::size_t most_edges);
    std::int32_t number_of(const Automaton& automaton, std::int32_t state, std::int32_t depth);
    void find_repeats();

    std::vector<unsigned char> accepting_;
    std::vector<std::int64_t> offsets_;
    std::vector<std::int32_t> labels_, targets_, places_, repeats_;
    // By state: that in the whole automaton, and the least number of labels before it.
    std::vector<std::int32_t> whole_, depth_;
    std::vector<std::int32_t> number_;  // by state of the whole automaton: kNone outside of run()
};

}  // namespace ctc

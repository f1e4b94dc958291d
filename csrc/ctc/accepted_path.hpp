// AcceptedPath: whether any labelling that an automaton accepts is possible in a sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctc/automaton.hpp"
#include "ctc/prefix_beam_search.hpp"

namespace ctc {

// For sequences in which a beam search finds no accepted labelling: where all classes are possible it finds
// one, so these have classes of probability zero, and mostly few alignments. Keeps its memory between
// sequences.
class AcceptedPath {
  public:
    enum class Outcome { found, nothing, unknown };

    // Searches depth-first, at each frame the most probable way first. `unknown` after kMostSteps.
    Outcome run(const LogProbs& log_probs, std::int32_t blank, const Automaton& automaton);

    const std::vector<std::int32_t>& labels() const { return labels_; }  // if found

  private:
    static constexpr std::size_t kMostSteps = std::size_t{1} << 20;
    static constexpr std::int64_t kNone = -1;

    // The place before a frame: the state of the labels so far, and the edge that led there, if the frame
    // before it was a label; kNone behind a blank.
    struct Place {
        std::int32_t frame;
        std::int32_t state;
        std::int64_t edge;
    };
    struct Way {
        double log_prob;
        Place to;
        bool extends;  // whether `to.edge` adds a label
        // The most probable last; without ties, so that every sorting has the same result.
        bool operator<(const Way& other) const {
            return log_prob != other.log_prob ? log_prob < other.log_prob : to.edge > other.to.edge;
        }
    };

    void start(const LogProbs& log_probs, std::int32_t blank, const Automaton& automaton);
    bool insert(Place place);
    void grow();
    void add_ways(Place from);
    void add_way(std::int32_t label, std::int32_t needed, Place to, bool extends);

    const LogProbs* log_probs_ = nullptr;
    std::int32_t blank_ = 0;
    const Automaton* automaton_ = nullptr;
    AutomatonEdges edges_;
    std::uint64_t num_places_ = 0;  // before one frame
    std::vector<std::int32_t> labels_;
    std::vector<Way> ways_;  // that were not tried yet, of all places on the way, the next one last
    std::vector<Way> steps_;
    // A hash table of the places that were seen: their numbers, from 1; 0 is free.
    std::vector<std::uint64_t> seen_;
    std::size_t num_seen_ = 0;
};

}  // namespace ctc

// The search with an extended exponent range: for sequences that FastSearch refuses, and to test it against.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/frame_search.hpp"
#include "ctc/guide.hpp"
#include "ctc/prefix_arena.hpp"
#include "ctc/prefix_beam_search.hpp"
#include "ctc/prob.hpp"

namespace ctc {

class ExactSearch final : public FrameSearch {
  public:
    explicit ExactSearch(const Options& options) : options_(options) {}

    Result run(const LogProbs& log_probs);

    void start(std::int32_t classes) override;
    bool push(const LogProbs& log_probs, std::int32_t frame, Status& status) override;  // always true
    void write_best(std::int32_t n_best, const LogProbs* all_frames,
                    std::vector<Hypothesis>& hypotheses) override;
    void limit(std::int32_t frames) override;
    void write_leader(std::vector<Hypothesis>& hypotheses) override;
    std::vector<std::int32_t> common_prefix() const override;

  private:
    // A labelling in the beam. Invariants between frames:
    // - beam_ is in rank order, best first, and every total is above zero.
    // - The nodes of beam_ are the active nodes of arena_, and arena_.slot(beam_[i].node) == i.
    struct Entry {
        PrefixArena::Node node;
        Prob blank;  // sum over the alignments that end in blank
        Prob label;  // sum over those that end in the last label
        Prob total;  // blank + label
        // In a guided search: the state after the labelling, and the weight of its last label, which the sums
        // above contain.
        Guide::State state = 0;
        Prob weight = one();
    };

    // A labelling that may be in the next beam: that of beam_[entry], unchanged if `symbol` is kNone, else
    // with `symbol` appended.
    struct Candidate {
        Prob total;
        std::int32_t entry;
        std::int32_t symbol;
        std::int32_t successor = 0;  // of successors_, for an extension in a guided search
    };

    // What a guide says of an extension.
    struct Successor {
        Guide::State state;
        Prob weight;
    };

    struct Symbol {
        Prob prob;
        std::int32_t label;
    };

    void write(const std::vector<Entry>& best, std::int32_t n_best, const LogProbs* all_frames,
               std::vector<Hypothesis>& hypotheses) const;
    Status read_frame(const LogProbs& log_probs, std::int32_t frame);
    void stay();
    void set_floor();
    void extend();
    void rank_candidates();
    void replace_beam();
    Prob extension(const Entry& entry, std::int32_t symbol) const;
    void take(std::int32_t i, std::int32_t by);
    bool precedes(const Candidate& a, const Candidate& b) const;

    // The parts of a guided search, in exact_search_guided.cpp.
    void start_guided();
    void drop_unfinishable();
    void set_floor_guided();
    void extend_guided();
    const std::vector<Entry>& ended();

    Options options_;
    PrefixArena arena_;
    std::vector<Entry> beam_;
    std::vector<Entry> stayed_;  // stayed_[i] is beam_[i], unchanged, one frame later
    std::vector<Entry> next_;
    std::vector<bool> stays_;            // whether beam_[i] is in the next beam
    std::vector<Prob> frame_;            // by class
    std::vector<Symbol> symbols_;        // of the frame, without blank, most probable first
    std::vector<Candidate> candidates_;  // distinct labellings
    std::vector<Prob> bounds_;
    // The children of beam_[i] that are in the beam, as a linked list: first_child_[i], then next_child_ of
    // that, and so on to kNone.
    std::vector<std::int32_t> first_child_;
    std::vector<std::int32_t> next_child_;
    std::vector<std::int32_t> taken_by_;  // by class: the entry that has a child with this label in the beam
    Prob floor_;                          // no candidate below it can be kept

    // Of a guided search.
    std::int32_t remaining_ = 0;  // frames after the current one; below kNever, so states without an end go
    std::vector<Successor> successors_;
    std::vector<Guide::State> row_;  // by class
    std::vector<double> row_log_weights_;
    std::vector<Entry> ended_;
};

}  // namespace ctc

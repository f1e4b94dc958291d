// Automaton: a set of labellings, perhaps with weights, as a guide.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/guide.hpp"

namespace ctc {

// The edges of state s are [offsets[s], offsets[s + 1]), in ascending order of their labels: no state has two
// edges with the same label.
struct AutomatonArrays {
    std::int32_t classes = 0;
    std::int32_t start = 0;
    std::vector<unsigned char> accepting;   // by state
    std::vector<std::int64_t> offsets;      // one element more than states
    std::vector<std::int32_t> labels;       // by edge
    std::vector<std::int32_t> targets;      // by edge: a state
    std::vector<double> log_weights;        // by edge; empty if all are 0
    std::vector<double> final_log_weights;  // by state, for the accepting ones; empty if all are 0
};

// Where the edges of an automaton are: a view of AutomatonArrays. It owns nothing.
struct AutomatonEdges {
    std::int32_t start = 0;
    const unsigned char* accepting = nullptr;
    const std::int64_t* offsets = nullptr;
    const std::int32_t* labels = nullptr;
    const std::int32_t* targets = nullptr;
};

class Automaton final : public Guide {
  public:
    // Throws std::invalid_argument if the arrays are not as described: no later access is out of bounds.
    explicit Automaton(AutomatonArrays arrays);

    std::int32_t classes() const override { return arrays_.classes; }
    State states() const override { return static_cast<State>(arrays_.accepting.size()); }
    State start() const override { return arrays_.start; }
    void row(State state, State* next_K, double* log_weight_K) const override;
    const GuideTable* table() const override { return &table_; }
    double final_log_weight(State state) const override;
    double highest_log_weight() const override { return highest_log_weight_; }
    std::int32_t shortest(State state) const override { return shortest_[static_cast<std::size_t>(state)]; }
    std::int32_t shortest_after(std::int32_t label, State state) const override {
        const auto place = static_cast<std::size_t>(state);
        return shortest_[place] + (sole_first_[place] == label ? 1 : 0);
    }
    std::int32_t most_frames_to_end() const override;

    AutomatonEdges edges() const {
        return {arrays_.start, arrays_.accepting.data(), arrays_.offsets.data(), arrays_.labels.data(),
                arrays_.targets.data()};
    }
    // Whether an edge or an end has a weight.
    bool weighted() const { return !arrays_.log_weights.empty() || !arrays_.final_log_weights.empty(); }
    bool accepts(const std::vector<std::int32_t>& labels) const;

  private:
    void check() const;
    void find_shortest();
    void build_table();

    AutomatonArrays arrays_;
    double highest_log_weight_ = 0.0;  // 0 if none is higher
    // By state; sole_first_ is the label with which every continuation of shortest_ frames begins, or
    // kNoLabel.
    std::vector<std::int32_t> shortest_, sole_first_;
    static constexpr std::int32_t kNoLabel = -1;
    // For table_, by edge, and by state.
    std::vector<std::int32_t> needed_;
    std::vector<double> weights_;
    std::vector<GuideRow> rows_;
    GuideTable table_;
};

}  // namespace ctc

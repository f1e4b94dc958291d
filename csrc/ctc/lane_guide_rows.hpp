// The rows of a guide that a search uses, in the forms that it can use quickly.
#pragma once

#include "ctc/guide.hpp"
#include "ctc/guide_cache_size.hpp"
#include "ctc/lane_math.hpp"

namespace ctc {

// A cache of bounded size. A row has a slot, which stays valid until clear(). Rows of few labels, as most of
// a lexicon's are, are stored as edges; the others as arrays by class.
template <class L>
class GuideRows {
  public:
    using State = Guide::State;
    static constexpr std::int32_t kMostEdges = 8;
    static constexpr std::int32_t kMaskClasses = 256;

    struct Edge {
        std::int32_t label;
        std::int32_t needed;  // frames that a labelling needs after it was extended by the label
        double weight;
        State next;
    };

    struct Row {
        State state;
        double highest;  // weight; 0 if no label is permitted
        double lowest;   // of the permitted ones, at most 1; 0 if it is below the range of a double
        double final_log_weight;
        std::int32_t shortest;                   // Guide::shortest() of the state
        std::int32_t least_needed, most_needed;  // frames, of the permitted labels
        std::int32_t num_edges;                  // 0 for a row of arrays
        std::int32_t begin;                      // of its arrays; -1 for a row of edges
        // A bit for each of the first kMaskClasses classes that a row of arrays permits.
        std::uint64_t permitted[4];
        Edge edges[kMostEdges];
    };

    GuideRows(const Guide& guide, std::int32_t blank, std::int32_t beam_width);

    // Returns the slot of a state's row. Pointers to rows become invalid.
    std::int32_t slot_of(State state);

    // Whether there may be no room for the rows of one more frame.
    bool nearly_full() const {
        return used_ + beam_width_ > size_.rows || arrays_ + beam_width_ > size_.arrays;
    }
    void clear();

    const Row& row(std::int32_t slot) const { return rows_[static_cast<std::size_t>(slot)]; }

    // Of a row of arrays, by class: its weight over the highest of the row, 0 if it is not permitted; and the
    // number of frames that a labelling needs after it.
    const double* ratio(std::int32_t begin) const { return ratio_.data() + begin; }
    const double* needed(std::int32_t begin) const { return needed_.data() + begin; }

    // The state and the weight of a permitted label.
    struct Successor {
        State state;
        double weight;
    };
    Successor successor(std::int32_t slot, std::int32_t label) const;

    // No labelling needs more frames, whether it stays in a state of the cache or leaves one.
    std::int32_t most_needed() const { return most_needed_; }

  private:
    static constexpr std::size_t kFirstRows = 32;

    std::size_t place_of(State state) const {
        return static_cast<std::size_t>(static_cast<std::uint64_t>(state) * 0x9e3779b97f4a7c15U >> 32) &
               (table_.size() - 1);
    }
    void grow();
    void expand(State state, Row& row);
    std::int32_t edges_of_row(State state);
    void store_edges(std::int32_t count, bool weighted, Row& row) const;
    void store_arrays(std::int32_t count, double highest_log, bool weighted, Row& row);

    const Guide& guide_;
    std::int32_t blank_;
    std::int64_t beam_width_;
    GuideCacheSize size_;
    std::int64_t used_ = 0;
    std::int64_t arrays_ = 0;
    std::int32_t most_needed_ = 0;
    std::size_t stride_;
    std::vector<Row> rows_;
    // Open addressing; a place holds a slot or -1. At most half full.
    std::vector<std::int32_t> table_;
    Column<double> ratio_, needed_;
    std::vector<State> next_;
    // Of the row that is being expanded.
    Column<double> logs_;
    std::vector<State> states_;
    std::vector<Guide::Edge> edges_;
};

template <class L>
GuideRows<L>::GuideRows(const Guide& guide, std::int32_t blank, std::int32_t beam_width)
    : guide_(guide),
      blank_(blank),
      beam_width_(beam_width),
      size_(guide.classes(), beam_width),
      stride_(static_cast<std::size_t>(whole_lanes(guide.classes()))) {
    logs_.reserve(stride_);
    states_.resize(stride_);
    edges_.resize(stride_);
    grow();
}

template <class L>
void GuideRows<L>::grow() {
    rows_.resize(std::min(static_cast<std::size_t>(size_.rows), std::max(kFirstRows, 2 * rows_.size())));
    table_.assign(std::max(2 * kFirstRows, 2 * table_.size()), -1);
    for (std::int32_t slot = 0; slot < used_; ++slot) {
        std::size_t place = place_of(row(slot).state);
        while (table_[place] >= 0) place = (place + 1) & (table_.size() - 1);
        table_[place] = slot;
    }
}

template <class L>
void GuideRows<L>::clear() {
    used_ = arrays_ = 0;
    most_needed_ = 0;
    std::fill(table_.begin(), table_.end(), -1);
}

template <class L>
std::int32_t GuideRows<L>::slot_of(State state) {
    std::size_t place = place_of(state);
    for (; table_[place] >= 0; place = (place + 1) & (table_.size() - 1))
        if (row(table_[place]).state == state) return table_[place];
    if (static_cast<std::size_t>(used_) == rows_.size()) {
        grow();
        return slot_of(state);
    }
    const auto slot = static_cast<std::int32_t>(used_);
    expand(state, rows_[static_cast<std::size_t>(slot)]);
    table_[place] = slot;
    ++used_;
    return slot;
}

template <class L>
typename GuideRows<L>::Successor GuideRows<L>::successor(std::int32_t slot, std::int32_t label) const {
    const Row& from = row(slot);
    for (std::int32_t i = 0; i < from.num_edges; ++i)
        if (from.edges[i].label == label) return {from.edges[i].next, from.edges[i].weight};
    const auto place = static_cast<std::size_t>(from.begin + label);
    return {next_[place], from.highest * ratio_.data()[place]};
}

template <class L>
void GuideRows<L>::expand(State state, Row& row) {
    constexpr double kInfinity = LaneMath<L>::kInfinity;
    row = {state, 0.0, 1.0, guide_.final_log_weight(state), guide_.shortest(state), Guide::kNever, 0, 0,
           -1,    {},  {}};
    std::int32_t count = guide_.edges(state, edges_.data());
    if (count < 0) count = edges_of_row(state);
    double highest = -kInfinity;
    double lowest = kInfinity;
    std::int32_t kept = 0;
    for (std::int32_t i = 0; i < count; ++i) {
        const Guide::Edge edge = edges_[static_cast<std::size_t>(i)];
        if (edge.label == blank_) continue;
        edges_[static_cast<std::size_t>(kept++)] = edge;
        row.least_needed = std::min(row.least_needed, edge.needed);
        row.most_needed = std::max(row.most_needed, edge.needed);
        highest = std::max(highest, edge.log_weight);
        lowest = std::min(lowest, edge.log_weight);
    }
    // Every other state of a labelling is found as the next of some row, where it needs as many frames.
    most_needed_ = std::max({most_needed_, row.shortest, row.most_needed});
    if (kept > 0) {
        double ends[kLanes] = {highest, lowest};
        const bool weighted = highest != 0.0 || lowest != 0.0;
        if (weighted) LaneMath<L>::exp_all(ends, ends, kLanes, 0);
        row.highest = weighted ? ends[0] : 1.0;
        row.lowest = !weighted ? 1.0 : lowest - highest < kExpLowest ? 0.0 : std::min(1.0, ends[1]);
        if (kept > kMostEdges) return store_arrays(kept, highest, weighted, row);
        store_edges(kept, weighted, row);
    }
}

// Writes to edges_ what a guide permits that has no quicker way to tell. Returns the number.
template <class L>
std::int32_t GuideRows<L>::edges_of_row(State state) {
    double* logs = logs_.data();
    guide_.row(state, states_.data(), logs);
    std::int32_t count = 0;
    for (std::int32_t k = 0; k < guide_.classes(); ++k) {
        const State next = states_[static_cast<std::size_t>(k)];
        if (next == Guide::kDead || k == blank_) continue;
        edges_[static_cast<std::size_t>(count++)] = {k, guide_.shortest_after(k, next), logs[k], next};
    }
    return count;
}

template <class L>
void GuideRows<L>::store_edges(std::int32_t count, bool weighted, Row& row) const {
    static_assert(kMostEdges == kLanes, "one register");
    double weights[kMostEdges] = {};
    for (std::int32_t i = 0; i < count; ++i) weights[i] = edges_[static_cast<std::size_t>(i)].log_weight;
    if (weighted) LaneMath<L>::exp_all(weights, weights, kLanes, 0);
    row.num_edges = count;
    for (std::int32_t i = 0; i < count; ++i) {
        const Guide::Edge& edge = edges_[static_cast<std::size_t>(i)];
        row.edges[i] = {edge.label, edge.needed, weighted ? weights[i] : 1.0, edge.next};
    }
}

template <class L>
void GuideRows<L>::store_arrays(std::int32_t count, double highest_log, bool weighted, Row& row) {
    row.begin = static_cast<std::int32_t>(static_cast<std::size_t>(arrays_++) * stride_);
    if (static_cast<std::size_t>(arrays_) * stride_ > next_.size()) {
        // For one row at first: many guides have few states.
        const std::size_t places = std::max(static_cast<std::size_t>(arrays_) * stride_, 2 * next_.size());
        ratio_.reserve(places);
        needed_.reserve(places);
        next_.resize(places);
    }
    double* ratio = ratio_.data() + row.begin;
    double* needed = needed_.data() + row.begin;
    State* next = next_.data() + row.begin;
    std::fill_n(ratio, stride_, weighted ? -LaneMath<L>::kInfinity : 0.0);
    std::fill_n(needed, stride_, static_cast<double>(Guide::kNever));
    for (std::int32_t i = 0; i < count; ++i) {
        const Guide::Edge& edge = edges_[static_cast<std::size_t>(i)];
        ratio[edge.label] = weighted ? edge.log_weight - highest_log : 1.0;
        needed[edge.label] = static_cast<double>(edge.needed);
        next[edge.label] = edge.next;
        if (edge.label < kMaskClasses)
            row.permitted[edge.label / 64] |= std::uint64_t{1} << (edge.label % 64);
    }
    if (weighted) LaneMath<L>::exp_all(ratio, ratio, static_cast<std::int32_t>(stride_), 0);
}

}  // namespace ctc

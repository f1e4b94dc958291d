// The rows of a guide that a search uses.
#pragma once

#include "ctc/guide.hpp"
#include "ctc/guide_cache_size.hpp"
#include "ctc/guide_table.hpp"
#include "ctc/lane_math.hpp"

namespace ctc {

// Reads the guide's table if it has one. Otherwise it is a cache of bounded size: a table of the rows that
// were requested. Either way a state has a slot, the place of its row in the table. In a cache the slot is
// valid until clear().
template <class L>
class GuideRows {
  public:
    using State = Guide::State;

    GuideRows(const Guide& guide, std::int32_t blank, std::int32_t beam_width);

    // Returns the slot of a state.
    std::int32_t slot_of(State state);

    // Returns the slot of the state that an edge leads to.
    std::int32_t target(std::int64_t edge) {
        const std::int32_t slot = table_.targets[edge];
        return slot >= 0 ? slot : resolve(edge);
    }

    // Returns the edge of a row with a label that it permits.
    GuideTable::Found find(const GuideRow& row, std::int32_t label) const;

    State state(std::int32_t slot) const { return stored_ ? slot : states_[static_cast<std::size_t>(slot)]; }

    // Whether there may be no room for the rows of one more frame.
    bool nearly_full() const {
        return !stored_ &&
               (count() + beam_width_ > size_.rows ||
                static_cast<std::int64_t>(labels_.size()) + beam_width_ * guide_.classes() > size_.edges);
    }
    void clear();
    // The number of calls of clear(), each of which makes all slots invalid.
    std::int64_t generation() const { return generation_; }

    // Pointers in it are valid until slot_of(), target() or clear() is called. Its rows have the highest
    // `most_needed` of those in the cache.
    const GuideTable& table() const { return table_; }

  private:
    static constexpr std::size_t kFirstPlaces = 64;
    static constexpr std::int32_t kNotResolved = -1;

    std::int64_t count() const { return static_cast<std::int64_t>(rows_.size()); }
    std::size_t place_of(State state) const {
        return static_cast<std::size_t>(static_cast<std::uint64_t>(state) * 0x9e3779b97f4a7c15U >> 32) &
               (places_.size() - 1);
    }
    std::int64_t own_edge(const GuideRow& row, std::int32_t label) const;
    void rehash(std::size_t places);
    std::int32_t resolve(std::int64_t edge);
    void add_row(State state);

    const Guide& guide_;
    bool stored_;
    std::int64_t generation_ = 0;
    std::int32_t blank_;
    std::int64_t beam_width_;
    GuideCacheSize size_;
    GuideTable table_;
    // The cache. Open addressing; a place holds a slot or -1. At most half full.
    std::vector<std::int32_t> places_;
    std::vector<State> states_;  // by slot
    std::vector<GuideRow> rows_;
    // By edge. A target is kNotResolved until target() is called.
    std::vector<std::int32_t> labels_, targets_, needed_;
    std::vector<double> weights_;
    std::vector<State> next_;
    // Of the row that is being computed, by class.
    std::vector<State> next_K_;
    Column<double> log_weight_K_;
};

template <class L>
GuideRows<L>::GuideRows(const Guide& guide, std::int32_t blank, std::int32_t beam_width)
    : guide_(guide),
      stored_(guide.table() != nullptr),
      blank_(blank),
      beam_width_(beam_width),
      size_(guide.classes(), beam_width) {
    if (stored_) {
        table_ = *guide.table();
        return;
    }
    table_.classes = guide.classes();
    next_K_.resize(static_cast<std::size_t>(guide.classes()));
    log_weight_K_.reserve(static_cast<std::size_t>(whole_lanes(guide.classes())));
    rehash(kFirstPlaces);
}

template <class L>
void GuideRows<L>::rehash(std::size_t places) {
    places_.assign(places, -1);
    for (std::size_t slot = 0; slot < states_.size(); ++slot) {
        std::size_t place = place_of(states_[slot]);
        while (places_[place] >= 0) place = (place + 1) & (places_.size() - 1);
        places_[place] = static_cast<std::int32_t>(slot);
    }
}

template <class L>
void GuideRows<L>::clear() {
    states_.clear();
    ++generation_;
    rows_.clear();
    labels_.clear();
    targets_.clear();
    needed_.clear();
    weights_.clear();
    next_.clear();
    table_.fewest = GuideTable().fewest;
    table_.most_needed = 0;
    std::fill(places_.begin(), places_.end(), -1);
}

template <class L>
std::int32_t GuideRows<L>::slot_of(State state) {
    if (stored_) return static_cast<std::int32_t>(state);
    std::size_t place = place_of(state);
    for (; places_[place] >= 0; place = (place + 1) & (places_.size() - 1))
        if (states_[static_cast<std::size_t>(places_[place])] == state) return places_[place];
    if (2 * (states_.size() + 1) > places_.size()) {
        rehash(2 * places_.size());
        return slot_of(state);
    }
    const auto slot = static_cast<std::int32_t>(states_.size());
    places_[place] = slot;
    add_row(state);
    return slot;
}

template <class L>
CTC_ALWAYS_INLINE GuideTable::Found GuideRows<L>::find(const GuideRow& row, std::int32_t label) const {
    double factor = 1.0;
    for (const GuideRow* at = &row;; at = table_.rows + at->shorter) {
        if ((at->labels >> (label & 63) & 1) != 0) {
            const std::int64_t edge = own_edge(*at, label);
            if (edge >= 0) return {edge, factor};
        }
        factor *= at->factor;
        if (at->base != GuideRow::kNoBase) return {at->base + label, factor};
    }
}

// The edge of a row that has the bit of the label, or -1.
template <class L>
CTC_ALWAYS_INLINE std::int64_t GuideRows<L>::own_edge(const GuideRow& row, std::int32_t label) const {
    // Without a branch that depends on the edges.
    if (table_.classes <= 64)
        return row.first + L::popcount64(row.labels & ((std::uint64_t{1} << label) - 1));
    const std::int32_t* begin = table_.labels + row.first;
    const std::int32_t* end = begin + row.count;
    const std::int32_t* found = std::lower_bound(begin, end, label);
    return found != end && *found == label ? found - table_.labels : -1;
}

template <class L>
std::int32_t GuideRows<L>::resolve(std::int64_t edge) {
    const auto place = static_cast<std::size_t>(edge);
    const std::int32_t slot = slot_of(next_[place]);
    targets_[place] = slot;
    return slot;
}

template <class L>
void GuideRows<L>::add_row(State state) {
    GuideRow row = {};
    row.first = static_cast<std::int64_t>(labels_.size());
    row.base = GuideRow::kNoBase;
    row.shorter = GuideRow::kNone;
    row.shortest = guide_.shortest(state);
    row.lowest = 1.0F;
    row.least_needed = Guide::kNever;
    double* logs = log_weight_K_.data();
    guide_.row(state, next_K_.data(), logs);
    LaneMath<L>::exp_all(logs, logs, guide_.classes(), 0);
    for (std::int32_t label = 0; label < guide_.classes(); ++label) {
        const State next = next_K_[static_cast<std::size_t>(label)];
        if (next == Guide::kDead || label == blank_) continue;
        labels_.push_back(label);
        targets_.push_back(kNotResolved);
        needed_.push_back(guide_.shortest_after(label, next));
        weights_.push_back(logs[label]);
        next_.push_back(next);
    }
    row.count = static_cast<std::int32_t>(static_cast<std::int64_t>(labels_.size()) - row.first);
    table_.labels = labels_.data();
    table_.targets = targets_.data();
    table_.needed = needed_.data();
    table_.weights = weights_.data();
    table_.describe_edges(row);
    if (row.count > 0) table_.fewest = std::min(table_.fewest, row.count);
    // Every other state of a labelling is found as the next of some row, where it needs as many frames.
    table_.most_needed = std::max({table_.most_needed, row.shortest, row.most_needed});
    states_.push_back(state);
    rows_.push_back(row);
    table_.rows = rows_.data();
}

}  // namespace ctc

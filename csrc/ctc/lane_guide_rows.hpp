// The rows of a guide that a search uses, expanded to arrays by class.
#pragma once

#include "ctc/guide.hpp"
#include "ctc/guide_cache_size.hpp"
#include "ctc/lane_math.hpp"

namespace ctc {

// A cache of bounded size. A row has a slot, which stays valid until clear().
//
// Invariants, for a slot and a class k:
// - ratio()[k] is the weight of k over the highest weight of the row, 0 if k is not permitted.
// - needed()[k] is the number of frames that a labelling needs after it was extended by k.
template <class L>
class GuideRows {
  public:
    using State = Guide::State;

    // What is known of a row beside its classes.
    struct Summary {
        State state;
        double highest;  // weight; 0 if no class is permitted
        double lowest;   // of the permitted ones, at most 1; 0 if it is below the range of a double
        double final_log_weight;
        std::int32_t shortest;                   // Guide::shortest() of the state
        std::int32_t least_needed, most_needed;  // of the permitted classes
    };

    GuideRows(const Guide& guide, std::int32_t blank, std::int32_t beam_width);

    // Returns the slot of a state's row. Pointers to rows become invalid.
    std::int32_t slot_of(State state);

    // Whether there may be no room for the rows of one more frame.
    bool nearly_full() const { return used_ + beam_width_ > capacity_; }
    void clear();

    const Summary& summary(std::int32_t slot) const { return summaries_[static_cast<std::size_t>(slot)]; }
    std::size_t begin(std::int32_t slot) const { return static_cast<std::size_t>(slot) * stride_; }
    const double* ratio(std::int32_t slot) const { return ratio_.data() + begin(slot); }
    const std::int32_t* needed(std::int32_t slot) const { return needed_.data() + begin(slot); }
    State next(std::int32_t slot, std::int32_t label) const {
        return next_[begin(slot) + static_cast<std::size_t>(label)];
    }
    // No labelling needs more frames, whether it stays in a state of the cache or leaves one.
    std::int32_t most_needed() const { return most_needed_; }

  private:
    static constexpr std::size_t kFirstRows = 16;

    std::size_t place_of(State state) const {
        return static_cast<std::size_t>(static_cast<std::uint64_t>(state) * 0x9e3779b97f4a7c15U >> 32) &
               (table_.size() - 1);
    }
    void grow();
    void expand(State state, std::int32_t slot);

    const Guide& guide_;
    std::int32_t blank_;
    std::int64_t beam_width_;
    std::int64_t capacity_;
    std::int64_t used_ = 0;
    std::int32_t most_needed_ = 0;
    std::size_t stride_;
    Column<double> ratio_;
    std::vector<std::int32_t> needed_;
    std::vector<State> next_;
    std::vector<Summary> summaries_;
    // Open addressing; a place holds a slot or -1. At most half full.
    std::vector<std::int32_t> table_;
    Column<double> logs_;
};

template <class L>
GuideRows<L>::GuideRows(const Guide& guide, std::int32_t blank, std::int32_t beam_width)
    : guide_(guide),
      blank_(blank),
      beam_width_(beam_width),
      capacity_(GuideCacheSize(guide.classes(), beam_width).rows),
      stride_(static_cast<std::size_t>(whole_lanes(guide.classes()))) {
    logs_.reserve(stride_);
    grow();
}

template <class L>
void GuideRows<L>::grow() {
    const std::size_t rows =
        std::min(static_cast<std::size_t>(capacity_), std::max(kFirstRows, 2 * summaries_.size()));
    ratio_.reserve(rows * stride_);
    needed_.resize(rows * stride_);
    next_.resize(rows * stride_);
    summaries_.resize(rows);
    table_.assign(std::max(2 * kFirstRows, 2 * table_.size()), -1);
    for (std::int32_t slot = 0; slot < used_; ++slot) {
        std::size_t place = place_of(summary(slot).state);
        while (table_[place] >= 0) place = (place + 1) & (table_.size() - 1);
        table_[place] = slot;
    }
}

template <class L>
void GuideRows<L>::clear() {
    used_ = 0;
    most_needed_ = 0;
    std::fill(table_.begin(), table_.end(), -1);
}

template <class L>
std::int32_t GuideRows<L>::slot_of(State state) {
    std::size_t place = place_of(state);
    for (; table_[place] >= 0; place = (place + 1) & (table_.size() - 1))
        if (summary(table_[place]).state == state) return table_[place];
    if (static_cast<std::size_t>(used_) == summaries_.size()) {
        grow();
        return slot_of(state);
    }
    const auto slot = static_cast<std::int32_t>(used_);
    expand(state, slot);
    table_[place] = slot;
    ++used_;
    return slot;
}

template <class L>
void GuideRows<L>::expand(State state, std::int32_t slot) {
    constexpr double kInfinity = LaneMath<L>::kInfinity;
    const std::int32_t classes = guide_.classes();
    State* next = next_.data() + begin(slot);
    double* ratio = ratio_.data() + begin(slot);
    std::int32_t* needed = needed_.data() + begin(slot);
    double* logs = logs_.data();
    guide_.row(state, next, logs);
    next[blank_] = Guide::kDead;
    std::fill(logs + classes, logs + stride_, -kInfinity);
    Summary found{state, 0.0, 1.0, guide_.final_log_weight(state), guide_.shortest(state), Guide::kNever, 0};
    double highest = -kInfinity;
    double lowest = kInfinity;
    for (std::int32_t k = 0; k < classes; ++k) {
        if (next[k] == Guide::kDead) {
            logs[k] = -kInfinity;
            needed[k] = Guide::kNever;
            continue;
        }
        needed[k] = guide_.shortest_after(k, next[k]);
        found.least_needed = std::min(found.least_needed, needed[k]);
        found.most_needed = std::max(found.most_needed, needed[k]);
        highest = std::max(highest, logs[k]);
        lowest = std::min(lowest, logs[k]);
    }
    const bool weighted = highest != 0.0 || lowest != 0.0;
    if (highest == -kInfinity) {
        std::fill_n(ratio, stride_, 0.0);
    } else if (!weighted) {
        for (std::size_t k = 0; k < stride_; ++k) ratio[k] = logs[k] == 0.0 ? 1.0 : 0.0;
        found.highest = 1.0;
    } else {
        double ends[kLanes] = {highest, lowest};
        LaneMath<L>::exp_all(ends, ends, kLanes, 0);
        found.highest = ends[0];
        found.lowest = std::min(1.0, ends[1]);
        for (std::size_t k = 0; k < stride_; ++k) logs[k] -= highest;
        LaneMath<L>::exp_all(logs, ratio, static_cast<std::int32_t>(stride_), 0);
        if (found.highest == 0.0 || lowest - highest < kExpLowest) found.lowest = 0.0;
    }
    summaries_[static_cast<std::size_t>(slot)] = found;
    // Every other state of a labelling is found as the next of some row, where it needs as many frames.
    most_needed_ = std::max({most_needed_, found.shortest, found.most_needed});
}

}  // namespace ctc

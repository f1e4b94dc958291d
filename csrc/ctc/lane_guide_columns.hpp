// The columns that a guided search adds to those of LaneBeam.
#pragma once

#include "ctc/lane_candidates.hpp"
#include "ctc/lane_guide_rows.hpp"
#include "ctc/lane_permitted.hpp"
#include "ctc/lane_update_step.hpp"

namespace ctc {

// Invariants between frames, for row in [0, LaneBeam::rows):
// - slot is the place of the row's state in `rows`, edges is the GuideRow there, highest its highest weight.
// - weight is the weight of the last label, which the sums of the row contain.
// - permitted().of(word)[row] has a bit for each class of a group of 64 that the state permits.
template <class L>
class GuideColumns {
  public:
    GuideRows<L> rows;
    Column<double> weight;
    Column<GuideRow> edges;
    // Within a frame: the totals that are extended, times the highest weight; 0 where none may be.
    Column<double> reach;

    GuideColumns(const Guide& guide, std::int32_t blank, std::int32_t beam_width)
        : rows(guide, blank, beam_width), guide_(guide), words_((guide.classes() + 63) / 64) {}

    // Resets to the empty labelling. Keeps the memory.
    void start(std::size_t capacity) {
        if (rows.nearly_full()) rows.clear();
        reserve(capacity);
        fill(0, {rows.slot_of(guide_.start()), 1.0});
    }

    PermittedClasses<L> permitted() const { return {permitted_.data(), stride_, words_}; }
    std::int32_t slot(std::int32_t row) const { return slot_.data()[row]; }
    bool weighted() const { return rows.table().weights != nullptr; }

    // The log weight of the end of a row; -inf if it may not end.
    double final_log_weight(std::int32_t row) const {
        if (!rows.table().weighs_ends) return edges.data()[row].shortest == 0 ? 0.0 : -LaneMath<L>::kInfinity;
        return guide_.final_log_weight(rows.state(slot_.data()[row]));
    }

    // Makes room in the cache for the rows that the next frame may add.
    void make_room(std::int32_t count) {
        if (!rows.nearly_full()) return;
        states_.clear();
        for (std::int32_t row = 0; row < count; ++row) states_.push_back(rows.state(slot_.data()[row]));
        rows.clear();
        for (std::int32_t row = 0; row < count; ++row)
            fill(row, {rows.slot_of(states_[static_cast<std::size_t>(row)]), weight.data()[row]});
    }

    struct Prepared {
        double largest_reach;
        bool drops;  // whether a labelling was removed
        // Whether of a row some extensions can end in the frames that remain, and others can't.
        bool checks;
    };
    // Removes the unchanged labellings that cannot end in the frames that remain, and computes `reach`.
    Prepared prepare(const LaneBeam<L>& beam, std::int32_t remaining, LaneCandidates<L>& candidates);

    // The lowest weight that is permitted with which any row can be extended; at most 1.
    double lowest_weight(std::int32_t count) const {
        double least = 1.0;
        for (std::int32_t row = 0; row < count; ++row)
            least = std::min<double>(least, edges.data()[row].lowest);
        return least;
    }

    // Finds the states of the extensions that are kept, before the beam is updated. Returns false if the
    // weight of one is too small for products with totals.
    bool find_arrivals(const Arrivals<L>& arrivals) {
        return weighted() ? find_states<true>(arrivals) : find_states<false>(arrivals);
    }

    // Updates the columns as `step` has updated the beam.
    void update(const UpdateStep<L>& step, std::size_t capacity) {
        reserve(capacity);
        const Arrival* arrivals = arrivals_.data();
        step.for_each_change([=](std::int32_t i, std::int32_t row) { fill(row, arrivals[i]); },
                             [=](std::int32_t from, std::int32_t to) {
                                 fill(to, edges.data()[from], slot_.data()[from], weight.data()[from]);
                             });
    }

  private:
    using D = typename L::D;
    static constexpr double kSmallestWeight = 1e-150;  // times a total that is kept still a normal double
    struct Arrival {
        std::int32_t slot;
        double weight;
    };

    void reserve(std::size_t capacity);
    template <bool has_weights>
    bool find_states(const Arrivals<L>& arrivals);
    void fill(std::int32_t row, const Arrival& arrival) {
        const GuideTable& table = rows.table();
        const GuideRow& its_row = table.rows[arrival.slot];
        prefetch(table.targets + its_row.first);
        fill(row, its_row, arrival.slot, arrival.weight);
    }
    void fill(std::int32_t row, const GuideRow& its_row, std::int32_t slot, double its_weight);

    const Guide& guide_;
    std::int32_t words_;
    std::size_t stride_ = 0;  // of permitted_, between groups of classes
    Column<std::uint64_t> permitted_;
    Column<double> highest_;
    Column<std::int32_t> slot_;
    Column<Arrival> arrivals_;
    std::vector<Guide::State> states_;
};

template <class L>
void GuideColumns<L>::reserve(std::size_t capacity) {
    if (capacity <= stride_) return;
    for (Column<double>* column : {&weight, &reach, &highest_}) column->reserve(capacity);
    edges.reserve(capacity);
    slot_.reserve(capacity);
    Column<std::uint64_t> wider;
    wider.reserve(static_cast<std::size_t>(words_) * capacity);
    const std::uint64_t* same = rows.table().permitted;
    for (std::int32_t word = 0; word < words_; ++word) {
        std::uint64_t* to = wider.data() + static_cast<std::size_t>(word) * capacity;
        if (same != nullptr)
            std::fill_n(to, capacity, same[word]);
        else
            std::copy_n(permitted().of(word), stride_, to);
    }
    permitted_.swap(wider);
    stride_ = capacity;
}

template <class L>
void GuideColumns<L>::fill(std::int32_t row, const GuideRow& its_row, std::int32_t slot, double its_weight) {
    const GuideTable& table = rows.table();
    slot_.data()[row] = slot;
    weight.data()[row] = its_weight;
    highest_.data()[row] = its_row.highest;
    edges.data()[row] = its_row;
    if (table.permitted != nullptr) return;
    std::uint64_t* words = permitted_.data() + row;
    if (words_ == 1) {
        *words = its_row.labels;
        return;
    }
    const auto bits_below = [](std::int32_t place) {
        return place >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << std::max(place, 0)) - 1;
    };
    const std::int32_t* labels = table.labels + its_row.first;
    // Where a row permits many classes they are mostly consecutive.
    const bool consecutive = its_row.count > 0 && labels[its_row.count - 1] - labels[0] == its_row.count - 1;
    for (std::int32_t word = 0; word < words_; ++word) {
        const std::int32_t from = consecutive ? labels[0] - 64 * word : 0;
        words[static_cast<std::size_t>(word) * stride_] =
            consecutive ? bits_below(from + its_row.count) & ~bits_below(from) : 0;
    }
    if (consecutive) return;
    for (std::int32_t i = 0; i < its_row.count; ++i) {
        const std::int32_t label = labels[i];
        words[static_cast<std::size_t>(label / 64) * stride_] |= std::uint64_t{1} << (label % 64);
    }
}

template <class L>
typename GuideColumns<L>::Prepared GuideColumns<L>::prepare(const LaneBeam<L>& beam, std::int32_t remaining,
                                                            LaneCandidates<L>& candidates) {
    D most = L::broadcast(0.0);
    for (std::int32_t row = 0; row < candidates.stays; row += kLanes) {
        const D reaches = L::mul(L::load(beam.total.data() + row), L::load(highest_.data() + row));
        L::store(reach.data() + row, reaches);
        most = L::max(reaches, most);
    }
    if (remaining >= rows.table().most_needed) return {LaneMath<L>::largest(most), false, false};
    bool drops = false;
    bool checks = false;
    for (std::int32_t row = 0; row < beam.rows; ++row) {
        const GuideRow& its_row = edges.data()[row];
        if (its_row.shortest > remaining) {
            drops = true;
            candidates.total.data()[row] = candidates.blank.data()[row] = candidates.label.data()[row] = 0.0;
        }
        if (its_row.least_needed > remaining)
            reach.data()[row] = 0.0;
        else if (its_row.most_needed > remaining)
            checks = true;
    }
    return {LaneMath<L>::largest(reach.data(), candidates.stays), drops, checks};
}

template <class L>
template <bool has_weights>
bool GuideColumns<L>::find_states(const Arrivals<L>& arrivals) {
    arrivals_.reserve(static_cast<std::size_t>(arrivals.count));
    const GuideTable& table = rows.table();
    const GuideRow* row_edges = edges.data();
    const std::uint64_t* ids = arrivals.id.data();
    Arrival* to = arrivals_.data();
    double least = 1.0;
    for (std::int32_t i = 0; i < arrivals.count; ++i) {
        const GuideRow& from = row_edges[LaneCandidates<L>::row_of(ids[i])];
        const auto found = rows.find(from, LaneCandidates<L>::label_of(ids[i]));
        const double its_weight = has_weights ? found.factor * table.weights[found.edge] : 1.0;
        const std::int32_t slot = rows.target(found.edge);
        // update() reads it, later than several arrivals.
        prefetch(table.rows + slot);
        to[i] = {slot, its_weight};
        if (has_weights) least = std::min(least, its_weight);
    }
    return least >= kSmallestWeight;
}

}  // namespace ctc

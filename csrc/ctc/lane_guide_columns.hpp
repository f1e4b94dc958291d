// What a guided search knows of each row of the beam beside LaneBeam.
#pragma once

#include "ctc/lane_candidates.hpp"
#include "ctc/lane_guide_rows.hpp"
#include "ctc/lane_update_step.hpp"

namespace ctc {

// Invariants between frames, for row in [0, LaneBeam::rows):
// - slot is the place of the row's state in the cache.
// - weight is the weight of the last label, which the sums of the row contain.
// - shortest and least_needed are those of the cached row.
// - arrays_highest is its highest weight if it has arrays, else 0; begin and num_edges are the cached row's.
template <class L>
struct GuideColumns {
    using Row = typename GuideRows<L>::Row;

    Column<double> weight, arrays_highest;
    Column<std::int32_t> slot, shortest, least_needed, begin, num_edges;
    // Within a frame, of rows with arrays: the totals that are extended, and the parts of them that end in
    // blank, times the highest weight. 0 for other rows.
    Column<double> reach, reach_blank;
    GuideRows<L> cache;

    GuideColumns(const Guide& guide, std::int32_t blank, std::int32_t beam_width)
        : cache(guide, blank, beam_width), guide_(guide) {}

    // Resets to the empty labelling. Keeps the memory.
    void start(std::size_t capacity) {
        if (cache.nearly_full()) cache.clear();
        reserve(capacity);
        fill(0, cache.slot_of(guide_.start()), 1.0);
    }

    const Row& cached(std::int32_t row) const { return cache.row(slot.data()[row]); }

    // Makes room in the cache for the rows that the next frame may bring.
    void make_room(std::int32_t rows) {
        if (!cache.nearly_full()) return;
        states_.clear();
        for (std::int32_t row = 0; row < rows; ++row) states_.push_back(cached(row).state);
        cache.clear();
        for (std::int32_t row = 0; row < rows; ++row)
            fill(row, cache.slot_of(states_[static_cast<std::size_t>(row)]), weight.data()[row]);
    }

    // Removes the unchanged labellings that cannot end in the frames that remain, and computes `reach`.
    // Returns the largest of that.
    double prepare(const LaneBeam<L>& beam, std::int32_t remaining, LaneCandidates<L>& candidates);

    // The highest weight, and the lowest that is permitted, with which any row can be extended.
    double highest_weight(std::int32_t rows) const {
        double highest = 1.0;
        for (std::int32_t row = 0; row < rows; ++row) highest = std::max(highest, cached(row).highest);
        return highest;
    }
    double lowest_weight(std::int32_t rows) const {
        double lowest = 1.0;
        for (std::int32_t row = 0; row < rows; ++row) lowest = std::min(lowest, cached(row).lowest);
        return lowest;
    }

    // Finds the states of the extensions that are kept, before the beam is updated.
    void find_arrivals(const unsigned char* keep, const LaneCandidates<L>& candidates);

    // Follows the update of the beam.
    void update(const UpdateStep<L>& step, std::size_t capacity) {
        reserve(capacity);
        step.for_each_change(
            [&](std::int32_t i, std::int32_t row) {
                const Arrival& arrival = arrivals_[static_cast<std::size_t>(i)];
                fill(row, arrival.slot, arrival.weight);
            },
            [&](std::int32_t from, std::int32_t to) { fill(to, slot.data()[from], weight.data()[from]); });
    }

  private:
    using D = typename L::D;
    struct Arrival {
        std::int32_t slot;
        double weight;
    };

    void reserve(std::size_t capacity) {
        for (Column<double>* column : {&weight, &arrays_highest, &reach, &reach_blank})
            column->reserve(capacity);
        for (Column<std::int32_t>* column : {&slot, &shortest, &least_needed, &begin, &num_edges})
            column->reserve(capacity);
    }

    void fill(std::int32_t row, std::int32_t its_slot, double its_weight) {
        const Row& its_row = cache.row(its_slot);
        slot.data()[row] = its_slot;
        weight.data()[row] = its_weight;
        arrays_highest.data()[row] = its_row.begin >= 0 ? its_row.highest : 0.0;
        begin.data()[row] = its_row.begin;
        num_edges.data()[row] = its_row.num_edges;
        shortest.data()[row] = its_row.shortest;
        least_needed.data()[row] = its_row.least_needed;
    }

    const Guide& guide_;
    std::vector<Arrival> arrivals_;
    std::vector<Guide::State> states_;
};

template <class L>
double GuideColumns<L>::prepare(const LaneBeam<L>& beam, std::int32_t remaining,
                                LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    for (std::int32_t row = 0; row < stays; row += kLanes) {
        const D factor = L::load(arrays_highest.data() + row);
        L::store(reach.data() + row, L::mul(L::load(beam.total.data() + row), factor));
        L::store(reach_blank.data() + row, L::mul(L::load(beam.blank.data() + row), factor));
    }
    if (remaining < cache.most_needed()) {
        for (std::int32_t row = 0; row < beam.rows; ++row) {
            if (shortest.data()[row] > remaining)
                candidates.total.data()[row] = candidates.blank.data()[row] = candidates.label.data()[row] =
                    0.0;
            if (least_needed.data()[row] > remaining) reach.data()[row] = reach_blank.data()[row] = 0.0;
        }
    }
    return LaneMath<L>::largest(reach.data(), stays);
}

template <class L>
void GuideColumns<L>::find_arrivals(const unsigned char* keep, const LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    const std::uint64_t* id = candidates.id.data() + stays;
    arrivals_.clear();
    for_each_bit<true>(keep + stays / kLanes, candidates.count - stays, [&](std::int32_t i) {
        const auto after = cache.successor(slot.data()[LaneCandidates<L>::row_of(id[i])],
                                           LaneCandidates<L>::label_of(id[i]));
        arrivals_.push_back({cache.slot_of(after.state), after.weight});
    });
}

}  // namespace ctc

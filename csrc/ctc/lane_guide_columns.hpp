// What a guided search knows of each row of the beam beside LaneBeam.
#pragma once

#include "ctc/lane_candidates.hpp"
#include "ctc/lane_guide_rows.hpp"
#include "ctc/lane_update_step.hpp"

namespace ctc {

// Invariants between frames, for row in [0, LaneBeam::rows):
// - slot is the place of the row's state in the cache.
// - weight is the weight of the last label, which the sums of the row contain.
// - shortest, highest and least_needed are those of the slot's summary.
template <class L>
struct GuideColumns {
    Column<double> weight, highest;
    Column<std::int32_t> slot, shortest, least_needed;
    // Within a frame: the totals that are extended, and the parts of them that end in blank, times `highest`.
    Column<double> reach, reach_blank;

    GuideColumns(const Guide& guide, std::int32_t blank, std::int32_t beam_width)
        : guide_(guide), cache_(guide, blank, beam_width) {}

    // Resets to the empty labelling. Keeps the memory.
    void start(std::size_t capacity) {
        if (cache_.nearly_full()) cache_.clear();
        reserve(capacity);
        fill(0, cache_.slot_of(guide_.start()), 1.0);
    }

    const typename GuideRows<L>::Summary& summary(std::int32_t row) const {
        return cache_.summary(slot.data()[row]);
    }

    // The weight of a label over the row's highest; 0 if it is not permitted or leaves too few frames.
    double permitted_ratio(std::int32_t row, std::int32_t label, std::int32_t remaining) const {
        const std::int32_t place = slot.data()[row];
        return cache_.needed(place)[label] <= remaining ? cache_.ratio(place)[label] : 0.0;
    }

    // Makes room in the cache for the rows that the next frame may bring.
    void make_room(std::int32_t rows) {
        if (!cache_.nearly_full()) return;
        states_.clear();
        for (std::int32_t row = 0; row < rows; ++row) states_.push_back(summary(row).state);
        cache_.clear();
        for (std::int32_t row = 0; row < rows; ++row)
            slot.data()[row] = cache_.slot_of(states_[static_cast<std::size_t>(row)]);
    }

    // Removes the unchanged labellings that cannot end in the frames that remain, and computes what can be
    // extended. Returns the largest of that.
    double prepare(const LaneBeam<L>& beam, std::int32_t remaining, LaneCandidates<L>& candidates);

    // The highest weight, and the lowest that is permitted, with which any row can be extended.
    double highest_weight(std::int32_t rows) const {
        return *std::max_element(highest.data(), highest.data() + rows);
    }
    double lowest_weight(std::int32_t rows) const {
        double lowest = 1.0;
        for (std::int32_t row = 0; row < rows; ++row) lowest = std::min(lowest, summary(row).lowest);
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
        for (Column<double>* column : {&weight, &highest, &reach, &reach_blank}) column->reserve(capacity);
        for (Column<std::int32_t>* column : {&slot, &shortest, &least_needed}) column->reserve(capacity);
    }

    void fill(std::int32_t row, std::int32_t its_slot, double its_weight) {
        const typename GuideRows<L>::Summary& summary = cache_.summary(its_slot);
        slot.data()[row] = its_slot;
        weight.data()[row] = its_weight;
        highest.data()[row] = summary.highest;
        shortest.data()[row] = summary.shortest;
        least_needed.data()[row] = summary.least_needed;
    }

    const Guide& guide_;
    GuideRows<L> cache_;
    std::vector<Arrival> arrivals_;
    std::vector<Guide::State> states_;
};

template <class L>
double GuideColumns<L>::prepare(const LaneBeam<L>& beam, std::int32_t remaining,
                                LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    D largest = L::broadcast(0.0);
    for (std::int32_t row = 0; row < stays; row += kLanes) {
        const D factor = L::load(highest.data() + row);
        const D total = L::mul(L::load(beam.total.data() + row), factor);
        L::store(reach.data() + row, total);
        L::store(reach_blank.data() + row, L::mul(L::load(beam.blank.data() + row), factor));
        largest = L::max(total, largest);
    }
    if (remaining >= cache_.most_needed()) return LaneMath<L>::largest(largest);

    for (std::int32_t row = 0; row < beam.rows; ++row) {
        if (shortest.data()[row] > remaining)
            candidates.total.data()[row] = candidates.blank.data()[row] = candidates.label.data()[row] = 0.0;
        if (least_needed.data()[row] > remaining) reach.data()[row] = reach_blank.data()[row] = 0.0;
    }
    return LaneMath<L>::largest(reach.data(), stays);
}

template <class L>
void GuideColumns<L>::find_arrivals(const unsigned char* keep, const LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    const std::uint64_t* id = candidates.id.data() + stays;
    arrivals_.clear();
    for_each_bit<true>(keep + stays / kLanes, candidates.count - stays, [&](std::int32_t i) {
        const std::int32_t label = LaneCandidates<L>::label_of(id[i]);
        const std::int32_t from = slot.data()[LaneCandidates<L>::row_of(id[i])];
        const double its_weight = cache_.summary(from).highest * cache_.ratio(from)[label];
        arrivals_.push_back({cache_.slot_of(cache_.next(from, label)), its_weight});
    });
}

}  // namespace ctc

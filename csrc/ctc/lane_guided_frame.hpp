// What the second step of a guided frame reads.
#pragma once

#include "ctc/lane_frame.hpp"
#include "ctc/lane_guide_columns.hpp"
#include "ctc/lane_open_extensions.hpp"
#include "ctc/lane_stay_step.hpp"

namespace ctc {

template <class L>
struct GuidedFrame {
    const LaneBeam<L>& beam;
    const LaneFrame<L>& frame;
    GuideColumns<L>& columns;  // `reach` is changed
    PermittedClasses<L> permitted;
    OpenExtensions<L>& open;  // is changed
    const typename StayStep<L>::Output& stayed;
    typename GuideColumns<L>::Prepared prepared;
    std::int64_t exponent;
    std::int32_t remaining;
    std::int32_t best_label;  // the frame's most probable class without the blank
    bool stays_fill_beam;     // whether there are as many unchanged labellings as places

    // Whether all weights are 1, and whatever a row permits can end in the frames that remain.
    bool plain() const { return !columns.weighted() && !prepared.checks; }

    // What an extension must reach to count. Where the unchanged labellings fill the beam, none below the
    // least of them is kept.
    double least_of_use() const {
        const double least = stays_fill_beam ? stayed.least * LaneMath<L>::kSlack : 0.0;
        return std::max(least, LaneMath<L>::kSmallestTotal);
    }

    // A bit for each of the rows [first, end), at most 64, that permit the class.
    std::uint64_t rows_that_permit(std::int32_t label, std::int32_t first, std::int32_t end) const {
        const std::uint64_t* words = permitted.of(label / 64);
        std::uint64_t rows = 0;
        for (std::int32_t row = first; row < end; row += kLanes)
            rows |= std::uint64_t{L::with_bit(words + row, label % 64)} << (row - first);
        return rows;
    }

    // Whether the extension of a row by a class that it permits is in the beam: StayStep has added its
    // probability to that row.
    bool taken(std::int32_t row, std::int32_t label) const {
        return beam.last.data()[row] == label ? open.repeat_is_taken(row) : !open.has(row, label);
    }

    // The weight of an extension; 0 if it cannot end in the frames that remain.
    double weight(std::int32_t row, std::int32_t label) const {
        const GuideTable& table = columns.rows.table();
        const auto found = columns.rows.find(columns.edges.data()[row], label);
        if (prepared.checks && table.needed_after(found.edge) > remaining) return 0.0;
        return table.weight(found);
    }
};

}  // namespace ctc

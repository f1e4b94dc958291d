// The candidates of one frame: the labellings that the next beam is selected from.
#pragma once

#include "ctc/lane_beam.hpp"

namespace ctc {

// Invariants once StayStep and ExtendStep have run:
// - Candidate i in [0, stays) is row i of the beam with its labelling unchanged; `stays` is the number of
//   rows rounded up to a whole register, and the candidates behind the last row have total 0.
// - Candidate i in [stays, count) is an extension: row_of(id[i]) with label_of(id[i]) appended.
// - No two candidates spell the same labelling.
// - blank[i] + label[i] == total[i] for i in [0, stays), as in LaneBeam. An extension ends in its last label.
template <class L>
struct LaneCandidates {
    std::int32_t stays = 0;
    std::int32_t count = 0;
    Column<double> total;
    Column<std::uint64_t> id;
    Column<double> blank, label;
    // The upper halves of the totals, which are in the same order: they are counted at twice the rate.
    Column<std::int32_t> halves;

    static std::int32_t row_of(std::uint64_t id) { return static_cast<std::int32_t>(id & 0xffffffffU); }
    static std::int32_t label_of(std::uint64_t id) { return static_cast<std::int32_t>(id >> 32); }
    static std::uint64_t id_of(std::uint64_t label, std::int32_t row) {
        return label << 32 | static_cast<std::uint64_t>(row);
    }

    void start(std::size_t rows) {
        reserve_rows(rows);
        for (Column<double>* column : {&blank, &label}) column->fill_zero();
    }

    // Reserves memory for the unchanged labellings of `rows` rows, and as many extensions.
    void reserve_rows(std::size_t rows) {
        if (rows <= blank.capacity()) return;
        for (Column<double>* column : {&blank, &label}) column->reserve(rows);
        total.reserve(2 * rows + kLanes);
        id.reserve(2 * rows + kLanes);
    }

    // Reserves memory for one more extension of each row. Throws std::bad_alloc beyond 2^31 candidates.
    void reserve_extensions() { reserve_more(static_cast<std::size_t>(stays)); }

    // Writes the upper halves of the first `size` totals, a multiple of eight. Returns their number, with
    // zeros to a multiple of sixteen.
    std::int32_t write_halves(std::int32_t size) {
        halves.reserve(static_cast<std::size_t>(size) + 2 * kLanes);
        L::upper_halves(halves.data(), total.data(), size);
        std::fill_n(halves.data() + size, kLanes, 0);
        return (size + 15) / 16 * 16;
    }

    void reserve_more(std::size_t more) {
        const auto room = static_cast<std::size_t>(count) + more + 2 * kLanes;
        if (room > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) throw std::bad_alloc();
        if (room <= total.capacity()) return;
        total.reserve(room);
        id.reserve(total.capacity());
    }
};

}  // namespace ctc

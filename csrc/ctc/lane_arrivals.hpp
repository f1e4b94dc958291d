// The extensions that UpdateStep brings into the beam.
#pragma once

#include "ctc/lane_candidates.hpp"

namespace ctc {

// What arrives in the beam, in the order of its rows.
template <class L>
struct Arrivals {
    std::int32_t count = 0;
    Column<std::uint64_t> id;  // as LaneCandidates::id
    Column<double> total;
    Column<std::uint32_t> hash;  // of the new labellings

    // Whether to compare each of so many rows with each arrival takes longer than to sort the arrivals.
    bool are_many_for(std::int32_t rows) const { return std::int64_t{rows} * count > std::int64_t{1} << 20; }

    void reserve(std::size_t size) {
        id.reserve(size);
        total.reserve(size);
        hash.reserve(size);
    }
};

}  // namespace ctc

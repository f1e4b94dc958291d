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

    void reserve(std::size_t size) {
        id.reserve(size);
        total.reserve(size);
        hash.reserve(size);
    }
};

}  // namespace ctc

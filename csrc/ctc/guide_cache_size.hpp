// How many rows of a guide a search keeps in memory.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ctc {

struct GuideCacheSize {
    std::int64_t rows;   // some 100 bytes each
    std::int64_t edges;  // of all rows
    bool fits;           // whether a thread may use that much

    // Enough for the rows of a beam and of what arrives in a frame, and as many again. And enough for the
    // contexts of a 3-gram model of characters: a cache that is emptied now and then costs more time than one
    // that exceeds the caches of a processor.
    GuideCacheSize(std::int32_t classes, std::int32_t beam_width) {
        constexpr std::int64_t kBytesOfEdge = 3 * 4 + 2 * 8;  // label, target, frames; weight, state
        constexpr std::int64_t kUsualRows = 32'768;
        constexpr std::int64_t kUsualBytes = 32'000'000;
        constexpr std::int64_t kMostBytes = 256'000'000;
        const std::int64_t fewest = 4 * static_cast<std::int64_t>(beam_width);
        const std::int64_t most_edges = kMostBytes / kBytesOfEdge;
        rows = std::max(fewest, kUsualRows);
        fits = fewest <= most_edges / classes;
        edges = std::max(fits ? fewest * classes : 0, kUsualBytes / kBytesOfEdge);
    }
};

}  // namespace ctc

// How many rows of a guide a search keeps in memory.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ctc {

// For each class a row takes a weight, a state and a number of frames.
struct GuideCacheSize {
    static constexpr std::int64_t kBytesOfClass = 8 + 8 + 4;
    static constexpr std::int64_t kUsualBytes = 16'000'000;
    static constexpr std::int64_t kMostBytes = 256'000'000;

    std::int64_t rows;
    bool fits;  // whether a thread may use that much

    // Enough for the rows of a beam and of what arrives in a frame, and as many again, so that the cache is
    // seldom emptied.
    GuideCacheSize(std::int32_t classes, std::int32_t beam_width) {
        const std::int64_t row = kBytesOfClass * (static_cast<std::int64_t>(classes) + 8);
        const std::int64_t fewest = 4 * static_cast<std::int64_t>(beam_width);
        rows = std::max(fewest, kUsualBytes / row);
        fits = fewest <= kMostBytes / row;
    }
};

}  // namespace ctc

// What the test programs share: each prints its failures; the exit status is 1 if there was one.
#pragma once

#include <cstdio>
#include <vector>

#include "ctc/prefix_beam_search.hpp"

namespace ctc {

inline int failures = 0;

inline void check(bool condition, const char* what) {
    if (condition) return;
    std::printf("failed: %s\n", what);
    ++failures;
}

inline int report_failures() {
    if (failures == 0) std::puts("all passed");
    return failures == 0 ? 0 : 1;
}

// Views of `n` sequences of `t` frames and `k` classes.
inline std::vector<LogProbs> views(const std::vector<double>& values, std::int32_t n, std::int32_t t,
                                   std::int32_t k) {
    std::vector<LogProbs> batch;
    for (std::int32_t i = 0; i < n; ++i) {
        const double* first = values.data() + static_cast<std::ptrdiff_t>(i) * t * k;
        batch.push_back({reinterpret_cast<const unsigned char*>(first), Dtype::float64,
                         k * static_cast<std::ptrdiff_t>(sizeof(double)), sizeof(double), t, k});
    }
    return batch;
}

}  // namespace ctc

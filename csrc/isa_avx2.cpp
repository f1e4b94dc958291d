// The searches compiled for AVX2.
#include "ctc/lane_includes.hpp"

#if CTC_DISPATCH_X86

// Code from here on may use these instructions. Headers that other files share are included above.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#endif

#define CTC_USE_AVX2
#include "ctc/floats_x86.hpp"
#include "ctc/lane_best_search.hpp"
#include "ctc/lane_constrained_best_search.hpp"
#include "ctc/lane_guided_search.hpp"
#include "ctc/lane_search.hpp"
#include "ctc/lanes_x86.hpp"

namespace ctc {

std::unique_ptr<FastSearch> make_avx2_search(const Options& options) {
    if (options.guide != nullptr) return std::make_unique<GuidedLaneSearch<Avx2Lanes>>(options);
    return std::make_unique<LaneSearch<Avx2Lanes>>(options);
}

std::unique_ptr<BestSearch> make_avx2_best_search(const BestOptions& options) {
    if (options.constraint != nullptr) return std::make_unique<LaneConstrainedBestSearch<Avx2Lanes>>(options);
    return std::make_unique<LaneBestSearch<Avx2Lanes>>(options);
}

}  // namespace ctc

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

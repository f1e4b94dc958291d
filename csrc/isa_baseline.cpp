// The searches compiled without intrinsics, for any machine, and for baseline x86-64 (SSE2).
#include "ctc/lane_includes.hpp"

#define CTC_USE_SSE2
#include "ctc/floats_x86.hpp"
#include "ctc/lane_best_search.hpp"
#include "ctc/lane_constrained_best_search.hpp"
#include "ctc/lane_guided_search.hpp"
#include "ctc/lane_search.hpp"
#include "ctc/lanes_x86.hpp"

namespace ctc {

std::unique_ptr<FastSearch> make_portable_search(const Options& options) {
    if (options.guide != nullptr) return std::make_unique<GuidedLaneSearch<PortableLanes>>(options);
    return std::make_unique<LaneSearch<PortableLanes>>(options);
}

std::unique_ptr<BestSearch> make_portable_best_search(const BestOptions& options) {
    if (options.constraint != nullptr)
        return std::make_unique<LaneConstrainedBestSearch<PortableLanes>>(options);
    return std::make_unique<LaneBestSearch<PortableLanes>>(options);
}

#if CTC_DISPATCH_X86
std::unique_ptr<FastSearch> make_sse2_search(const Options& options) {
    if (options.guide != nullptr) return std::make_unique<GuidedLaneSearch<Sse2Lanes>>(options);
    return std::make_unique<LaneSearch<Sse2Lanes>>(options);
}

std::unique_ptr<BestSearch> make_sse2_best_search(const BestOptions& options) {
    if (options.constraint != nullptr) return std::make_unique<LaneConstrainedBestSearch<Sse2Lanes>>(options);
    return std::make_unique<LaneBestSearch<Sse2Lanes>>(options);
}
#endif

}  // namespace ctc

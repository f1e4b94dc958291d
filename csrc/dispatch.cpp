// The code paths of this build and the choice between them.
#include "ctc/best_search.hpp"
#include "ctc/fast_search.hpp"
#include "ctc/guide.hpp"
#include "ctc/guide_cache_size.hpp"
#include "ctc/lanes.hpp"

namespace ctc {

std::vector<Path> paths() {
    std::vector<Path> found;
#if CTC_DISPATCH_X86
    // Every extension that isa_avx2.cpp and isa_avx512.cpp enable is tested: a virtual machine may hide some.
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        found.push_back(Path::avx512);
    if (avx2) found.push_back(Path::avx2);
    found.push_back(Path::sse2);
#endif
    found.push_back(Path::portable);
    found.push_back(Path::exact);
    return found;
}

const char* name_of(Path path) {
    switch (path) {
        case Path::automatic:
            return "automatic";
        case Path::portable:
            return "portable";
        case Path::sse2:
            return "sse2";
        case Path::avx2:
            return "avx2";
        case Path::avx512:
            return "avx512";
        case Path::exact:
            break;
    }
    return "exact";
}

namespace {

Path resolved(Path path) {
    static const Path fastest = paths().front();
    return path == Path::automatic ? fastest : path;
}

}  // namespace

std::unique_ptr<FastSearch> make_fast_search(const Options& options) {
    const Guide* guide = options.guide;
    if (guide != nullptr && guide->highest_log_weight() > Guide::kHighestInDoubles) return nullptr;
    if (guide != nullptr && guide->table() == nullptr &&
        !GuideCacheSize(guide->classes(), options.beam_width).fits)
        return nullptr;
    switch (resolved(options.path)) {
#if CTC_DISPATCH_X86
        case Path::avx512:
            return make_avx512_search(options);
        case Path::avx2:
            return make_avx2_search(options);
        case Path::sse2:
            return make_sse2_search(options);
#endif
        case Path::portable:
            return make_portable_search(options);
        default:
            return nullptr;
    }
}

std::unique_ptr<BestSearch> make_best_search(const BestOptions& options) {
    switch (resolved(options.path)) {
#if CTC_DISPATCH_X86
        case Path::avx512:
            return make_avx512_best_search(options);
        case Path::avx2:
            return make_avx2_best_search(options);
        case Path::sse2:
            return make_sse2_best_search(options);
#endif
        default:
            return make_portable_best_search(options);
    }
}

}  // namespace ctc

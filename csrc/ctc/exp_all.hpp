// lane_exp() for arrays, in files that are compiled for the baseline of the machine.
#pragma once

#define CTC_USE_SSE2  // part of baseline x86-64

#include <cstddef>
#include <vector>

#include "ctc/lane_exp.hpp"
#include "ctc/lanes_x86.hpp"

namespace ctc {

#if CTC_DISPATCH_X86
// One register instead of eight doubles: the function then needs no memory for its intermediate results.
struct BaselineLanes : Sse2Register {
    using D = V;
    static D zero_unless_at_least(D a, D x, D limit) { return bit_and(at_least(x, limit), a); }
};
#else
struct BaselineLanes : PortableLanes {
    static constexpr int kSize = kLanes;
};
#endif

// Replaces each value, at most 1, by its exponential; by 0 below kExpLowest.
inline void exp_all(std::vector<double>& values) {
    constexpr auto kSize = static_cast<std::size_t>(BaselineLanes::kSize);
    const std::size_t count = values.size();
    values.resize((count + kSize - 1) / kSize * kSize, 0.0);
    for (double *at = values.data(), *end = at + values.size(); at < end; at += kSize)
        BaselineLanes::store(at, lane_exp<BaselineLanes>(BaselineLanes::load(at), 0));
    values.resize(count);
}

}  // namespace ctc

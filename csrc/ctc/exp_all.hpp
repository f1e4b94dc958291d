// lane_exp() for arrays, in files that are compiled for the baseline of the machine.
#pragma once

#define CTC_USE_SSE2  // part of baseline x86-64

#include <cstddef>
#include <vector>

#include "ctc/lane_exp.hpp"
#include "ctc/lanes_x86.hpp"

namespace ctc {

#if CTC_DISPATCH_X86
using BaselineLanes = Sse2Lanes;
#else
using BaselineLanes = PortableLanes;
#endif

// Replaces each value, at most 1, by its exponential; by 0 below kExpLowest.
inline void exp_all(std::vector<double>& values) {
    const std::size_t count = values.size();
    values.resize((count + kLanes - 1) / kLanes * kLanes, 0.0);
    for (std::size_t i = 0; i < count; i += kLanes)
        BaselineLanes::store(values.data() + i,
                             lane_exp<BaselineLanes>(BaselineLanes::load(values.data() + i), 0));
    values.resize(count);
}

}  // namespace ctc

// An exponential function with the same bits on every machine. Those of the C libraries differ in the last
// place.
#pragma once

#include <cstdint>

#include "ctc/lanes.hpp"

namespace ctc {

// Below this, lane_exp() returns 0. The exact value is below 1e-260.
constexpr double kExpLowest = -600.0;

// Returns exp(x) * 2^-exponent to within 1.5 units in the last place, for x <= 1 and -1000 <= exponent <= 10.
//
// x = n ln 2 + r with |r| <= ln 2 / 2. n ln 2 is subtracted in two parts (Cody and Waite 1980), of which the
// product with the first is exact. e^r is its Taylor series to r^13; the rest is below 4e-18.
template <class L>
CTC_ALWAYS_INLINE typename L::D lane_exp(typename L::D x, std::int64_t exponent) {
    using D = typename L::D;
    constexpr double kToWhole = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number
    const D shifted = L::add(L::mul(x, L::broadcast(1.4426950408889634)), L::broadcast(kToWhole));
    const D n = L::sub(shifted, L::broadcast(kToWhole));
    const D r = L::sub(L::sub(x, L::mul(n, L::broadcast(6.93147180369123816490e-01))),
                       L::mul(n, L::broadcast(1.90821492927058770002e-10)));
    // (e^r - 1 - r) / r^2 as a polynomial. Its even and odd terms are summed separately: two shorter chains
    // of dependent operations.
    const D r2 = L::mul(r, r);
    const auto step = [&](D sum, double next) { return L::add(L::mul(sum, r2), L::broadcast(next)); };
    D odd = L::broadcast(1.0 / 6227020800.0);
    odd = step(odd, 1.0 / 39916800.0);
    odd = step(odd, 1.0 / 362880.0);
    odd = step(odd, 1.0 / 5040.0);
    odd = step(odd, 1.0 / 120.0);
    odd = step(odd, 1.0 / 6.0);
    D even = L::broadcast(1.0 / 479001600.0);
    even = step(even, 1.0 / 3628800.0);
    even = step(even, 1.0 / 40320.0);
    even = step(even, 1.0 / 720.0);
    even = step(even, 1.0 / 24.0);
    even = step(even, 1.0 / 2.0);
    const D tail = L::mul(L::add(L::mul(odd, r), even), r2);
    const D mantissa = L::add(L::add(tail, r), L::broadcast(1.0));
    const D value = L::mul(mantissa, L::power_of_two(shifted, 1023 - exponent));
    return L::zero_unless_at_least(value, x, L::broadcast(kExpLowest));
}

}  // namespace ctc

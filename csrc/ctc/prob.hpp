// Non-negative numbers with the precision of a double and a 64-bit exponent.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ctc {

// Logarithms below this count as minus infinity. Masks such as -1e30 or the lowest float32 mean "impossible";
// and the exponent of a product over 2^31 frames still fits into 64 bits.
constexpr double kLowestLog = -1e9;

// Products over frames underflow a double after a few hundred frames. Logarithms do not, but each addition
// then needs an exp and a log, and the rounding error grows with the size of the logarithm. A separate
// exponent has neither drawback: each product and each sum of positive terms has a relative error of 2^-53,
// so equally probable labellings stay equal to about frames * 1e-16.
struct Prob {
    // Invariant: the value is mantissa * 2^exponent with 1 <= mantissa < 2, or 0 with kZeroExponent. That is
    // below every other exponent, so comparing (exponent, mantissa) compares values.
    static constexpr std::int64_t kZeroExponent = INT64_MIN / 2;

    double mantissa = 0.0;
    std::int64_t exponent = kZeroExponent;

    bool positive() const { return mantissa > 0.0; }
};

inline Prob one() {
    return {1.0, 0};
}

// 2^-shift for 0 <= shift < 1023.
inline double negative_power_of_two(std::int64_t shift) {
    const std::uint64_t bits = static_cast<std::uint64_t>(1023 - shift) << 52;
    double power;
    std::memcpy(&power, &bits, sizeof power);
    return power;
}

// Normalises a mantissa in [1, 4) to [1, 2).
inline Prob normalised(double mantissa, std::int64_t exponent) {
    const bool carry = mantissa >= 2.0;
    return {carry ? 0.5 * mantissa : mantissa, exponent + (carry ? 1 : 0)};
}

inline Prob operator*(Prob a, Prob b) {
    const double mantissa = a.mantissa * b.mantissa;
    if (!(mantissa > 0.0)) return {};
    return normalised(mantissa, a.exponent + b.exponent);
}

inline Prob operator+(Prob a, Prob b) {
    const Prob& big = a.exponent < b.exponent ? b : a;
    const Prob& small = a.exponent < b.exponent ? a : b;
    const std::int64_t shift = big.exponent - small.exponent;
    if (shift > 64) return big;  // the smaller one is below half a unit in the last place
    return normalised(big.mantissa + small.mantissa * negative_power_of_two(shift), big.exponent);
}

inline bool operator<(Prob a, Prob b) {
    return a.exponent != b.exponent ? a.exponent < b.exponent : a.mantissa < b.mantissa;
}
inline bool operator>(Prob a, Prob b) {
    return b < a;
}

// Whether `smaller` is below `larger` by less than `tolerance` times `larger`.
inline bool within(Prob smaller, Prob larger, double tolerance) {
    const std::int64_t shift = larger.exponent - smaller.exponent;
    if (shift > 1) return false;
    return larger.mantissa - smaller.mantissa * negative_power_of_two(shift) < tolerance * larger.mantissa;
}

// exp(log_value); log_value may be minus infinity but neither NaN nor above 1e9.
inline Prob prob_from_log(double log_value) {
    if (log_value < kLowestLog) return {};
    std::int64_t shift = 0;
    if (log_value < -700.0 || log_value > 700.0) {
        // exp() would leave the range of a double, so whole powers of two are taken out first. ln 2 is the
        // sum of two doubles; the first step is exact, because its result is a multiple of 2^-53 below 1.
        const double powers = std::nearbyint(log_value * 1.4426950408889634);
        log_value = std::fma(-powers, 0.6931471805599453, log_value);
        log_value = std::fma(-powers, 2.3190468138462996e-17, log_value);
        shift = static_cast<std::int64_t>(powers);
    }
    int exponent = 0;
    const double mantissa = std::frexp(std::exp(log_value), &exponent);
    return {2.0 * mantissa, shift + exponent - 1};
}

inline double log_of(Prob p) {
    if (!p.positive()) return -INFINITY;
    if (p.exponent >= -1000 && p.exponent <= 1000)
        return std::log(std::ldexp(p.mantissa, static_cast<int>(p.exponent)));
    return std::log(p.mantissa) + static_cast<double>(p.exponent) * 0.6931471805599453;
}

}  // namespace ctc

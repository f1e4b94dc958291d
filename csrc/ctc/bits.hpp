// Doubles and masks by their bits.
#pragma once

#include <cstdint>
#include <cstring>

namespace ctc {

inline std::int64_t bits_of(double value) {
    std::int64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline double double_of(std::int64_t bits) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline std::int64_t exponent_of(double value) {
    return (bits_of(value) >> 52) - 1023;
}

// At most ln(value), by 0.06 at most: log2(1 + m) is at least m for m in [0, 1).
inline double log_at_most(double value) {
    constexpr double kPerBit = 0.6931471805599453 / 4503599627370496.0;
    return static_cast<double>(bits_of(value) - (std::int64_t{1023} << 52)) * kPerBit;
}

// How many of the lowest eight bits are set. The instruction for it is not in every x86-64.
inline std::int32_t bits_in(unsigned mask) {
    mask -= (mask >> 1) & 0x55U;
    mask = (mask & 0x33U) + ((mask >> 2) & 0x33U);
    return static_cast<std::int32_t>((mask + (mask >> 4)) & 0x0fU);
}

// Bits in a row of bytes.
inline void set_bit(unsigned char* bytes, std::int32_t place) {
    bytes[place >> 3] = static_cast<unsigned char>(bytes[place >> 3] | 1U << (place & 7));
}

inline bool bit(const unsigned char* bytes, std::int32_t place) {
    return (bytes[place >> 3] & (1 << (place & 7))) != 0;
}

}  // namespace ctc

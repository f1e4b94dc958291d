// Operations on the bits of doubles and of masks.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

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

// The upper 32 bits. Those of positive doubles are in the order of their values.
inline std::int32_t upper_half(double value) {
    return static_cast<std::int32_t>(bits_of(value) >> 32);
}

// The smallest positive double with these upper 32 bits.
inline double from_upper_half(std::int32_t half) {
    return double_of(std::int64_t{half} << 32);
}

inline std::int64_t exponent_of(double value) {
    return (bits_of(value) >> 52) - 1023;
}

// A lower bound of ln(value) that is at most 0.06 below it: log2(1 + m) >= m for m in [0, 1).
inline double log_lower_bound(double value) {
    constexpr double kPerBit = 0.6931471805599453 / 4503599627370496.0;
    return static_cast<double>(bits_of(value) - (std::int64_t{1023} << 52)) * kPerBit;
}

// The number of bits set among the lowest eight. Baseline x86-64 has no instruction for it.
inline std::int32_t popcount8(unsigned mask) {
    mask -= (mask >> 1) & 0x55U;
    mask = (mask & 0x33U) + ((mask >> 2) & 0x33U);
    return static_cast<std::int32_t>((mask + (mask >> 4)) & 0x0fU);
}

// Bit `place` of a word, which has none outside of 0 to 63.
inline unsigned bit_at(std::uint64_t word, std::uint64_t place) {
    return place < 64 ? static_cast<unsigned>(word >> place & 1) : 0U;
}

// The number of bits set.
inline std::int32_t popcount64(std::uint64_t mask) {
    mask -= mask >> 1 & 0x5555555555555555U;
    mask = (mask & 0x3333333333333333U) + (mask >> 2 & 0x3333333333333333U);
    mask = (mask + (mask >> 4)) & 0x0f0f0f0f0f0f0f0fU;
    return static_cast<std::int32_t>(mask * 0x0101010101010101U >> 56);
}

// The position of the lowest bit that is set. `mask` must not be 0.
inline std::int32_t lowest_bit(std::uint64_t mask) {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long place;
    if (_BitScanForward(&place, static_cast<unsigned long>(mask)) != 0)
        return static_cast<std::int32_t>(place);
    _BitScanForward(&place, static_cast<unsigned long>(mask >> 32));
    return static_cast<std::int32_t>(place) + 32;
#else
    return __builtin_ctzll(mask);
#endif
}

// Begins to load the line of memory at `address` into the processor's cache.
inline void prefetch([[maybe_unused]] const void* address) {
#if defined(__GNUC__)  // and clang
    __builtin_prefetch(address);
#endif
}

// Bit `place` of an array of bytes.
inline void set_bit(unsigned char* bytes, std::int32_t place) {
    bytes[place >> 3] = static_cast<unsigned char>(bytes[place >> 3] | 1U << (place & 7));
}

inline bool bit(const unsigned char* bytes, std::int32_t place) {
    return (bytes[place >> 3] & (1 << (place & 7))) != 0;
}

// The first 64 bits of an array of bytes.
inline std::uint64_t word_of(const unsigned char* bytes) {
    std::uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    return word;
}

// Calls f(place), in order, for each of the first `count` bits that equals `wanted`. Reads whole groups of
// eight bytes.
template <bool wanted, class F>
void for_each_bit(const unsigned char* bytes, std::int32_t count, F f) {
    for (std::int32_t first = 0; first < count; first += 64) {
        std::uint64_t word = word_of(bytes + first / 8);
        if (!wanted) word = ~word;
        if (count - first < 64) word &= (std::uint64_t{1} << (count - first)) - 1;
        for (; word != 0; word &= word - 1) f(first + lowest_bit(word));
    }
}

}  // namespace ctc

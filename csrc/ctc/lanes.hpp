// Vectors of eight doubles with the same interface for every instruction set.
//
// The search is written once, as templates over one of these types. Results are bit-identical, because every
// lane performs the same IEEE operations in the same order and nothing is fused. Each isa_*.cpp enables the
// instructions of one type, so a type must not be instantiated in any other file.
#pragma once

#include <cstdint>
#include <cstring>

#include "ctc/bits.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(CTC_PORTABLE)  // clang is __GNUC__, too
#define CTC_DISPATCH_X86 1
#if !defined(__clang__)  // GCC 12 warns about its own header, which leaves some values undefined on purpose
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#else
#define CTC_DISPATCH_X86 0
#endif

// For functions that take or return lanes. GCC hands lanes of several registers over in memory, in parts that
// a processor cannot forward from its stores to its loads.
#if defined(__GNUC__)
#define CTC_ALWAYS_INLINE inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define CTC_ALWAYS_INLINE __forceinline
#else
#define CTC_ALWAYS_INLINE inline
#endif

namespace ctc {

constexpr std::int32_t kLanes = 8;

// The interface of a type of lanes. In a mask, bit i stands for lane i.
//   load, store, broadcast, widen      access memory without alignment; widen converts from float32
//   add, sub, mul, min, max            by lane; max(a, b) and min(a, b) are b where a is NaN
//   at_least(a, b)                     the mask of a >= b
//   popcount(mask), popcount64(word)   the number of bits set in a mask, or in a word
//   upper_halves(to, from, n)          the upper 32 bits of n doubles; n is a multiple of eight
//   count_halves(values, n, limit)     the number of integers >= limit; n is a multiple of sixteen
//   any_common(a, n, b, m)             whether one of n values equals one of m; n is a multiple of eight
//   count(values, n, limit)            the number of values >= limit; n is a multiple of eight
//   with_bit(words, place)             the mask of eight words of 64 bits in which bit `place` is set
//   bits_at(word, places, first)       the mask of lanes where bit places[lane] - first of a word is set; it
//                                      has none outside of 0 to 63
//   keep_with_bit(a, words, place)     a where bit `place` of words[lane] is set, else 0
//   power_of_two(t, bias)              2^(n + bias - 1023) for t = 1.5 * 2^52 + n: the last step of lane_exp
//   zero_unless_at_least(a, x, limit)  a where x >= limit, else 0
//   split(x, at, low, high)            the mask of x >= at; lowers `low` to those lanes and raises `high` to
//                                      the others
//   kCompresses                        whether compress takes no branch, and so less time than a loop over
//                                      bits
//   kFewRows                           up to how many rows a beam is replaced by FewRows; 0: none
//   compress, compress_indices,        store contiguously the lanes in the mask, or first + lane for each, or
//   compress_sums                      from[lane] + more for each; the rest of the eight elements is
//                                      unspecified

// Without intrinsics, for any machine.
struct PortableLanes {
    static constexpr bool kCompresses = false;
    static constexpr std::int32_t kFewRows = 0;
    struct D {
        double at[kLanes];
    };
    template <class F>
    static D each(F f) {
        D d;
        for (int i = 0; i < kLanes; ++i) d.at[i] = f(i);
        return d;
    }
    static D load(const double* from) {
        D d;
        std::memcpy(&d, from, sizeof d);
        return d;
    }
    static void store(double* to, D a) { std::memcpy(to, &a, sizeof a); }
    static D broadcast(double x) {
        return each([&](int) { return x; });
    }
    static D widen(const float* from) {
        return each([&](int i) { return static_cast<double>(from[i]); });
    }
    static D add(D a, D b) {
        return each([&](int i) { return a.at[i] + b.at[i]; });
    }
    static D sub(D a, D b) {
        return each([&](int i) { return a.at[i] - b.at[i]; });
    }
    static D mul(D a, D b) {
        return each([&](int i) { return a.at[i] * b.at[i]; });
    }
    static D max(D a, D b) {
        return each([&](int i) { return a.at[i] > b.at[i] ? a.at[i] : b.at[i]; });
    }
    static D min(D a, D b) {
        return each([&](int i) { return a.at[i] < b.at[i] ? a.at[i] : b.at[i]; });
    }
    static unsigned at_least(D a, D b) {
        unsigned mask = 0;
        for (int i = 0; i < kLanes; ++i) mask |= static_cast<unsigned>(a.at[i] >= b.at[i]) << i;
        return mask;
    }
    static std::int32_t popcount(unsigned mask) { return popcount8(mask); }
    static std::int32_t popcount64(std::uint64_t word) { return ctc::popcount64(word); }
    static void upper_halves(std::int32_t* to, const double* from, std::int32_t n) {
        for (std::int32_t i = 0; i < n; ++i) {
            std::uint64_t bits;
            std::memcpy(&bits, from + i, sizeof bits);
            to[i] = static_cast<std::int32_t>(bits >> 32);
        }
    }
    static std::int32_t count_halves(const std::int32_t* values, std::int32_t n, std::int32_t limit) {
        std::int32_t sum = 0;
        for (std::int32_t i = 0; i < n; ++i) sum += values[i] >= limit ? 1 : 0;
        return sum;
    }
    static bool any_common(const std::uint32_t* a, std::int32_t n, const std::uint32_t* b, std::int32_t m) {
        std::uint32_t found = 0;
        for (std::int32_t j = 0; j < m; ++j)
            for (std::int32_t i = 0; i < n; ++i) found |= a[i] == b[j] ? 1U : 0U;
        return found != 0;
    }
    static std::int32_t count(const double* values, std::int32_t n, double limit) {
        std::int32_t sum = 0;
        for (std::int32_t i = 0; i < n; ++i) sum += values[i] >= limit ? 1 : 0;
        return sum;
    }
    static unsigned with_bit(const std::uint64_t* words, std::int32_t place) {
        unsigned mask = 0;
        for (int i = 0; i < kLanes; ++i) mask |= static_cast<unsigned>(words[i] >> place & 1) << i;
        return mask;
    }
    static unsigned bits_at(std::uint64_t word, const std::uint64_t* places, std::int32_t first) {
        unsigned mask = 0;
        for (int i = 0; i < kLanes; ++i)
            mask |= bit_at(word, places[i] - static_cast<std::uint64_t>(first)) << i;
        return mask;
    }
    static D keep_with_bit(D a, const std::uint64_t* words, std::int32_t place) {
        return each([&](int i) { return (words[i] >> place & 1) != 0 ? a.at[i] : 0.0; });
    }
    static D power_of_two(D t, std::int64_t bias) {
        return each([&](int i) {
            std::uint64_t bits;
            std::memcpy(&bits, &t.at[i], sizeof bits);
            bits = (bits + static_cast<std::uint64_t>(bias)) << 52;
            double power;
            std::memcpy(&power, &bits, sizeof power);
            return power;
        });
    }
    static D zero_unless_at_least(D a, D x, D limit) {
        return each([&](int i) { return x.at[i] >= limit.at[i] ? a.at[i] : 0.0; });
    }
    static unsigned split(D x, D at, D& low, D& high) {
        for (int i = 0; i < kLanes; ++i) {
            if (x.at[i] >= at.at[i])
                low.at[i] = x.at[i] < low.at[i] ? x.at[i] : low.at[i];
            else
                high.at[i] = x.at[i] > high.at[i] ? x.at[i] : high.at[i];
        }
        return at_least(x, at);
    }
    static void compress(double* to, D a, unsigned mask) {
        for (int i = 0; i < kLanes; ++i) {
            *to = a.at[i];
            to += (mask >> i) & 1U;
        }
    }
    static void compress_indices(std::uint64_t* to, std::uint64_t first, unsigned mask) {
        for (unsigned i = 0; i < kLanes; ++i) {
            *to = first + i;
            to += (mask >> i) & 1U;
        }
    }
    static void compress_sums(std::uint64_t* to, const std::uint64_t* from, std::uint64_t more,
                              unsigned mask) {
        for (unsigned i = 0; i < kLanes; ++i) {
            *to = from[i] + more;
            to += (mask >> i) & 1U;
        }
    }
};

}  // namespace ctc

// Eight doubles in several registers.
#pragma once

#include "ctc/lanes.hpp"

namespace ctc {

// Lanes that span several registers of type R.
template <class R>
struct SplitLanes {
    static constexpr bool kCompresses = R::kCompresses;
    static constexpr std::int32_t kFewRows = 0;
    static constexpr int kParts = kLanes / R::kSize;
    using V = typename R::V;
    struct D {
        V part[static_cast<unsigned>(kParts)];
    };
    template <class F>
    static D each(F f) {
        D d;
        for (int i = 0; i < kParts; ++i) d.part[i] = f(i);
        return d;
    }
    static D load(const double* from) {
        return each([&](int i) { return R::load(from + i * R::kSize); });
    }
    static void store(double* to, D a) {
        for (int i = 0; i < kParts; ++i) R::store(to + i * R::kSize, a.part[i]);
    }
    static D broadcast(double x) {
        return each([&](int) { return R::broadcast(x); });
    }
    static D widen(const float* from) {
        return each([&](int i) { return R::widen(from + i * R::kSize); });
    }
    static D add(D a, D b) {
        return each([&](int i) { return R::add(a.part[i], b.part[i]); });
    }
    static D sub(D a, D b) {
        return each([&](int i) { return R::sub(a.part[i], b.part[i]); });
    }
    static D mul(D a, D b) {
        return each([&](int i) { return R::mul(a.part[i], b.part[i]); });
    }
    static D max(D a, D b) {
        return each([&](int i) { return R::max(a.part[i], b.part[i]); });
    }
    static D min(D a, D b) {
        return each([&](int i) { return R::min(a.part[i], b.part[i]); });
    }
    static unsigned at_least(D a, D b) {
        unsigned mask = 0;
        for (int i = 0; i < kParts; ++i)
            mask |= R::movemask(R::at_least(a.part[i], b.part[i])) << (i * R::kSize);
        return mask;
    }
    static std::int32_t popcount(unsigned mask) { return R::popcount(mask); }
    static std::int32_t popcount64(std::uint64_t word) { return R::popcount64(word); }
    static void upper_halves(std::int32_t* to, const double* from, std::int32_t n) {
        for (std::int32_t i = 0; i < n; i += kLanes) R::upper_halves(to + i, from + i);
    }
    static std::int32_t count_halves(const std::int32_t* values, std::int32_t n, std::int32_t limit) {
        return R::count_halves(values, n, limit);
    }
    static bool any_common(const std::uint32_t* a, std::int32_t n, const std::uint32_t* b, std::int32_t m) {
        return R::any_common(a, n, b, m);
    }
    static std::int32_t count(const double* values, std::int32_t n, double limit) {
        const V bound = R::broadcast(limit);
        auto sum = R::zero_count();
        for (std::int32_t i = 0; i < n; i += R::kSize)
            sum = R::add_mask(sum, R::at_least(R::load(values + i), bound));
        return R::sum_of(sum);
    }
    static unsigned with_bit(const std::uint64_t* words, std::int32_t place) {
        unsigned mask = 0;
        for (int i = 0; i < kParts; ++i)
            mask |= R::movemask(R::to_sign(words + i * R::kSize, place)) << (i * R::kSize);
        return mask;
    }
    static unsigned bits_at(std::uint64_t word, const std::uint64_t* places, std::int32_t first) {
        unsigned mask = 0;
        for (int i = 0; i < kParts; ++i)
            mask |= R::bits_at(word, places + i * R::kSize, first) << (i * R::kSize);
        return mask;
    }
    static D keep_with_bit(D a, const std::uint64_t* words, std::int32_t place) {
        return each(
            [&](int i) { return R::bit_and(R::mask_of_bit(words + i * R::kSize, place), a.part[i]); });
    }
    static D power_of_two(D t, std::int64_t bias) {
        return each([&](int i) { return R::power_of_two(t.part[i], bias); });
    }
    static D zero_unless_at_least(D a, D x, D limit) {
        return each([&](int i) { return R::bit_and(R::at_least(x.part[i], limit.part[i]), a.part[i]); });
    }
    static unsigned split(D x, D at, D& low, D& high) {
        unsigned mask = 0;
        for (int i = 0; i < kParts; ++i) {
            const V upper = R::at_least(x.part[i], at.part[i]);
            low.part[i] = R::blend(upper, R::min(x.part[i], low.part[i]), low.part[i]);
            high.part[i] = R::blend(upper, high.part[i], R::max(x.part[i], high.part[i]));
            mask |= R::movemask(upper) << (i * R::kSize);
        }
        return mask;
    }
    static void compress(double* to, D a, unsigned mask) {
        if constexpr (kCompresses) {
            for (int i = 0; i < kParts; ++i, mask >>= R::kSize) to += R::compress(to, a.part[i], mask);
        } else {
            alignas(64) double all[kLanes];
            store(all, a);
            for (; mask != 0; mask &= mask - 1) *to++ = all[lowest_bit(mask)];
        }
    }
    static void compress_indices(std::uint64_t* to, std::uint64_t first, unsigned mask) {
        if constexpr (kCompresses) {
            alignas(64) static constexpr std::uint64_t kIndices[kLanes] = {0, 1, 2, 3, 4, 5, 6, 7};
            compress_sums(to, kIndices, first, mask);
        } else {
            for (; mask != 0; mask &= mask - 1) *to++ = first + static_cast<unsigned>(lowest_bit(mask));
        }
    }
    static void compress_sums(std::uint64_t* to, const std::uint64_t* from, std::uint64_t more,
                              unsigned mask) {
        if constexpr (kCompresses) {
            for (int i = 0; i < kParts; ++i, mask >>= R::kSize)
                to += R::compress_sums(to, from + i * R::kSize, more, mask);
        } else {
            for (; mask != 0; mask &= mask - 1) *to++ = from[lowest_bit(mask)] + more;
        }
    }
};

}  // namespace ctc

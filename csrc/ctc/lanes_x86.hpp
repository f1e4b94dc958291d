// Eight doubles in x86-64 registers: four of SSE2, two of AVX2, or one of AVX-512.
//
// An isa_*.cpp includes this where the compiler may use the instructions. lanes.hpp documents the interface.
#pragma once

#include "ctc/lanes.hpp"

#if CTC_DISPATCH_X86

namespace ctc {

// Lanes that span several registers of type R.
template <class R>
struct SplitLanes {
    static constexpr bool kCompresses = false;
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
        alignas(64) double all[kLanes];
        store(all, a);
        for (; mask != 0; mask &= mask - 1) *to++ = all[lowest_bit(mask)];
    }
    static void compress_indices(std::uint64_t* to, std::uint64_t first, unsigned mask) {
        for (; mask != 0; mask &= mask - 1) *to++ = first + static_cast<unsigned>(lowest_bit(mask));
    }
};

#if defined(CTC_USE_AVX512)
struct Avx512Lanes {
    static constexpr bool kCompresses = true;
    using D = __m512d;
    static D load(const double* from) { return _mm512_loadu_pd(from); }
    static void store(double* to, D a) { _mm512_storeu_pd(to, a); }
    static D broadcast(double x) { return _mm512_set1_pd(x); }
    static D widen(const float* from) { return _mm512_cvtps_pd(_mm256_loadu_ps(from)); }
    static D add(D a, D b) { return _mm512_add_pd(a, b); }
    static D sub(D a, D b) { return _mm512_sub_pd(a, b); }
    static D mul(D a, D b) { return _mm512_mul_pd(a, b); }
    static D max(D a, D b) { return _mm512_max_pd(a, b); }
    static D min(D a, D b) { return _mm512_min_pd(a, b); }
    static unsigned at_least(D a, D b) { return _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ); }
    static std::int32_t popcount(unsigned mask) { return __builtin_popcount(mask); }
    static std::int32_t count(const double* values, std::int32_t n, double limit) {
        const D bound = broadcast(limit);
        int sum = 0;
        for (std::int32_t i = 0; i < n; i += kLanes) sum += popcount(at_least(load(values + i), bound));
        return sum;
    }
    static unsigned with_bit(const std::uint64_t* words, std::int32_t place) {
        const auto wanted = static_cast<long long>(std::uint64_t{1} << place);
        return _mm512_test_epi64_mask(_mm512_loadu_si512(words), _mm512_set1_epi64(wanted));
    }
    static D power_of_two(D t, std::int64_t bias) {
        const __m512i biased = _mm512_add_epi64(_mm512_castpd_si512(t), _mm512_set1_epi64(bias));
        return _mm512_castsi512_pd(_mm512_slli_epi64(biased, 52));
    }
    static D zero_unless_at_least(D a, D x, D limit) {
        return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(x, limit, _CMP_GE_OQ), a);
    }
    static unsigned split(D x, D at, D& low, D& high) {
        const __mmask8 upper = _mm512_cmp_pd_mask(x, at, _CMP_GE_OQ);
        low = _mm512_mask_min_pd(low, upper, x, low);
        high = _mm512_mask_max_pd(high, static_cast<__mmask8>(~upper), x, high);
        return upper;
    }
    static void compress(double* to, D a, unsigned mask) {
        _mm512_storeu_pd(to, _mm512_maskz_compress_pd(static_cast<__mmask8>(mask), a));
    }
    static void compress_indices(std::uint64_t* to, std::uint64_t first, unsigned mask) {
        const __m512i ids = _mm512_add_epi64(_mm512_set1_epi64(static_cast<long long>(first)),
                                             _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
        _mm512_storeu_si512(to, _mm512_maskz_compress_epi64(static_cast<__mmask8>(mask), ids));
    }
};
#endif

#if defined(CTC_USE_AVX2)
struct Avx2Register {
    using V = __m256d;
    static constexpr int kSize = 4;
    static V load(const double* from) { return _mm256_loadu_pd(from); }
    static void store(double* to, V a) { _mm256_storeu_pd(to, a); }
    static V broadcast(double x) { return _mm256_set1_pd(x); }
    static V widen(const float* from) { return _mm256_cvtps_pd(_mm_loadu_ps(from)); }
    static V add(V a, V b) { return _mm256_add_pd(a, b); }
    static V sub(V a, V b) { return _mm256_sub_pd(a, b); }
    static V mul(V a, V b) { return _mm256_mul_pd(a, b); }
    static V max(V a, V b) { return _mm256_max_pd(a, b); }
    static V min(V a, V b) { return _mm256_min_pd(a, b); }
    static V at_least(V a, V b) { return _mm256_cmp_pd(a, b, _CMP_GE_OQ); }
    static V bit_and(V mask, V a) { return _mm256_and_pd(mask, a); }
    static V blend(V mask, V a, V b) { return _mm256_blendv_pd(b, a, mask); }
    static unsigned movemask(V mask) { return static_cast<unsigned>(_mm256_movemask_pd(mask)); }
    // Moves bit `place` of each word to the sign of a lane.
    static V to_sign(const std::uint64_t* words, std::int32_t place) {
        const __m256i all = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words));
        return _mm256_castsi256_pd(_mm256_sll_epi64(all, _mm_cvtsi32_si128(63 - place)));
    }
    // A true comparison is -1 in its lane, so subtracting masks counts.
    static std::int32_t popcount(unsigned mask) { return __builtin_popcount(mask); }
    static __m256i zero_count() { return _mm256_setzero_si256(); }
    static __m256i add_mask(__m256i sum, V mask) { return _mm256_sub_epi64(sum, _mm256_castpd_si256(mask)); }
    static std::int32_t sum_of(__m256i sum) {
        const __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        return _mm_cvtsi128_si32(_mm_add_epi64(half, _mm_unpackhi_epi64(half, half)));
    }
    static V power_of_two(V t, std::int64_t bias) {
        const __m256i biased = _mm256_add_epi64(_mm256_castpd_si256(t), _mm256_set1_epi64x(bias));
        return _mm256_castsi256_pd(_mm256_slli_epi64(biased, 52));
    }
};
using Avx2Lanes = SplitLanes<Avx2Register>;
#endif

#if defined(CTC_USE_SSE2)
struct Sse2Register {
    using V = __m128d;
    static constexpr int kSize = 2;
    static V load(const double* from) { return _mm_loadu_pd(from); }
    static void store(double* to, V a) { _mm_storeu_pd(to, a); }
    static V broadcast(double x) { return _mm_set1_pd(x); }
    static V widen(const float* from) {
        return _mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
    }
    static V add(V a, V b) { return _mm_add_pd(a, b); }
    static V sub(V a, V b) { return _mm_sub_pd(a, b); }
    static V mul(V a, V b) { return _mm_mul_pd(a, b); }
    static V max(V a, V b) { return _mm_max_pd(a, b); }
    static V min(V a, V b) { return _mm_min_pd(a, b); }
    static V at_least(V a, V b) { return _mm_cmpge_pd(a, b); }
    static V bit_and(V mask, V a) { return _mm_and_pd(mask, a); }
    static V blend(V mask, V a, V b) { return _mm_or_pd(_mm_and_pd(mask, a), _mm_andnot_pd(mask, b)); }
    static unsigned movemask(V mask) { return static_cast<unsigned>(_mm_movemask_pd(mask)); }
    static V to_sign(const std::uint64_t* words, std::int32_t place) {
        const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
        return _mm_castsi128_pd(_mm_sll_epi64(all, _mm_cvtsi32_si128(63 - place)));
    }
    static std::int32_t popcount(unsigned mask) { return popcount8(mask); }
    static __m128i zero_count() { return _mm_setzero_si128(); }
    static __m128i add_mask(__m128i sum, V mask) { return _mm_sub_epi64(sum, _mm_castpd_si128(mask)); }
    static std::int32_t sum_of(__m128i sum) {
        return _mm_cvtsi128_si32(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
    }
    static V power_of_two(V t, std::int64_t bias) {
        const __m128i biased = _mm_add_epi64(_mm_castpd_si128(t), _mm_set1_epi64x(bias));
        return _mm_castsi128_pd(_mm_slli_epi64(biased, 52));
    }
};
using Sse2Lanes = SplitLanes<Sse2Register>;
#endif

}  // namespace ctc

#endif

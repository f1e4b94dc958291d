// Eight doubles in x86-64 registers: four of SSE2, two of AVX2, or one of AVX-512 (lanes_avx512.hpp).
//
// An isa_*.cpp includes this where the compiler may use the instructions. lanes.hpp documents the interface.
#pragma once

#include "ctc/lanes_avx512.hpp"
#include "ctc/lanes_split.hpp"

#if CTC_DISPATCH_X86

namespace ctc {

#if defined(CTC_USE_AVX2)
// For each mask of four lanes, the halves of lanes that move its lanes to the front.
struct FrontLanes {
    alignas(32) std::int32_t half[16][8];
    constexpr FrontLanes() : half() {
        for (int mask = 0; mask < 16; ++mask) {
            int to = 0;
            for (int lane = 0; lane < 4; ++lane) {
                if ((mask >> lane & 1) == 0) continue;
                half[mask][to++] = 2 * lane;
                half[mask][to++] = 2 * lane + 1;
            }
        }
    }
};

struct Avx2Register {
    static constexpr bool kCompresses = true;
    using V = __m256d;
    static constexpr FrontLanes kFront{};
    static __m256i front(__m256i a, unsigned mask) {
        return _mm256_permutevar8x32_epi32(
            a, _mm256_load_si256(reinterpret_cast<const __m256i*>(kFront.half[mask & 15U])));
    }
    static std::int32_t compress(double* to, V a, unsigned mask) {
        store(to, _mm256_castsi256_pd(front(_mm256_castpd_si256(a), mask)));
        return popcount(mask & 15U);
    }
    static std::int32_t compress_sums(std::uint64_t* to, const std::uint64_t* from, std::uint64_t more,
                                      unsigned mask) {
        const __m256i sums = _mm256_add_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)),
                                              _mm256_set1_epi64x(static_cast<long long>(more)));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), front(sums, mask));
        return popcount(mask & 15U);
    }
    static constexpr int kSize = 4;
    static void upper_halves(std::int32_t* to, const double* from) {
        const __m256 upper = _mm256_shuffle_ps(_mm256_castpd_ps(load(from)), _mm256_castpd_ps(load(from + 4)),
                                               _MM_SHUFFLE(3, 1, 3, 1));
        const __m256i in_order =
            _mm256_permute4x64_epi64(_mm256_castps_si256(upper), _MM_SHUFFLE(3, 1, 2, 0));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), in_order);
    }
    static std::int32_t count_halves(const std::int32_t* values, std::int32_t n, std::int32_t limit) {
        const __m256i bound = _mm256_set1_epi32(limit - 1);
        __m256i sum = _mm256_setzero_si256();
        for (std::int32_t i = 0; i < n; i += 8)
            sum = _mm256_sub_epi32(
                sum,
                _mm256_cmpgt_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i)), bound));
        __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        half = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
        return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 1)));
    }
    static bool any_common(const std::uint32_t* a, std::int32_t n, const std::uint32_t* b, std::int32_t m) {
        __m256i found = _mm256_setzero_si256();
        const auto load_eight = [a](std::int32_t i) {
            return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
        };
        std::int32_t i = 0;
        for (; i + 32 <= n; i += 32) {  // the usual beams, in registers
            const __m256i values[4] = {load_eight(i), load_eight(i + 8), load_eight(i + 16),
                                       load_eight(i + 24)};
            for (std::int32_t j = 0; j < m; ++j) {
                const __m256i wanted = _mm256_set1_epi32(static_cast<int>(b[j]));
                for (const __m256i& eight : values)
                    found = _mm256_or_si256(found, _mm256_cmpeq_epi32(eight, wanted));
            }
        }
        for (; i < n; i += 8) {
            const __m256i eight = load_eight(i);
            for (std::int32_t j = 0; j < m; ++j)
                found = _mm256_or_si256(found,
                                        _mm256_cmpeq_epi32(eight, _mm256_set1_epi32(static_cast<int>(b[j]))));
        }
        return _mm256_movemask_epi8(found) != 0;
    }
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
    static V mask_of_bit(const std::uint64_t* words, std::int32_t place) {
        const __m256i all = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words));
        const __m256i bits =
            _mm256_and_si256(_mm256_srl_epi64(all, _mm_cvtsi32_si128(place)), _mm256_set1_epi64x(1));
        return _mm256_castsi256_pd(_mm256_sub_epi64(_mm256_setzero_si256(), bits));
    }
    static unsigned bits_at(std::uint64_t word, const std::uint64_t* places, std::int32_t first) {
        const __m256i shifts = _mm256_sub_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(places)),
                                                _mm256_set1_epi64x(first));
        const __m256i bits = _mm256_srlv_epi64(_mm256_set1_epi64x(static_cast<long long>(word)), shifts);
        return movemask(_mm256_castsi256_pd(_mm256_slli_epi64(bits, 63)));
    }
    // A true comparison is -1 in its lane, so subtracting masks counts.
    static std::int32_t popcount(unsigned mask) { return __builtin_popcount(mask); }
    static std::int32_t popcount64(std::uint64_t word) { return __builtin_popcountll(word); }
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
    static constexpr bool kCompresses = false;
    using V = __m128d;
    static constexpr int kSize = 2;
    static void upper_halves(std::int32_t* to, const double* from) {
        for (int i = 0; i < 8; i += 4)
            _mm_storeu_ps(reinterpret_cast<float*>(to + i),
                          _mm_shuffle_ps(_mm_castpd_ps(load(from + i)), _mm_castpd_ps(load(from + i + 2)),
                                         _MM_SHUFFLE(3, 1, 3, 1)));
    }
    static std::int32_t count_halves(const std::int32_t* values, std::int32_t n, std::int32_t limit) {
        const __m128i bound = _mm_set1_epi32(limit - 1);
        __m128i sum = _mm_setzero_si128();
        for (std::int32_t i = 0; i < n; i += 4)
            sum = _mm_sub_epi32(
                sum, _mm_cmpgt_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values + i)), bound));
        sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
        return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 1)));
    }
    static bool any_common(const std::uint32_t* a, std::int32_t n, const std::uint32_t* b, std::int32_t m) {
        __m128i found = _mm_setzero_si128();
        for (std::int32_t j = 0; j < m; ++j) {
            const __m128i wanted = _mm_set1_epi32(static_cast<int>(b[j]));
            for (std::int32_t i = 0; i < n; i += 4) {
                const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
                found = _mm_or_si128(found, _mm_cmpeq_epi32(values, wanted));
            }
        }
        return _mm_movemask_epi8(found) != 0;
    }
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
    static V mask_of_bit(const std::uint64_t* words, std::int32_t place) {
        const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
        const __m128i bits = _mm_and_si128(_mm_srl_epi64(all, _mm_cvtsi32_si128(place)), _mm_set1_epi64x(1));
        return _mm_castsi128_pd(_mm_sub_epi64(_mm_setzero_si128(), bits));
    }
    static unsigned bits_at(std::uint64_t word, const std::uint64_t* places, std::int32_t first) {
        unsigned mask = 0;
        for (unsigned i = 0; i < kSize; ++i)
            mask |= bit_at(word, places[i] - static_cast<std::uint64_t>(first)) << i;
        return mask;
    }
    static std::int32_t popcount(unsigned mask) { return popcount8(mask); }
    static std::int32_t popcount64(std::uint64_t word) { return ctc::popcount64(word); }
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

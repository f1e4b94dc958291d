// Eight doubles in one register of AVX-512.
#pragma once

#include "ctc/lanes.hpp"

#if CTC_DISPATCH_X86 && defined(CTC_USE_AVX512)

namespace ctc {

struct Avx512Lanes {
    static constexpr bool kCompresses = true;
    static constexpr std::int32_t kFewRows = 32;
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
    static std::int32_t popcount64(std::uint64_t word) { return __builtin_popcountll(word); }
    static void upper_halves(std::int32_t* to, const double* from, std::int32_t n) {
        const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        std::int32_t i = 0;
        for (; i + 16 <= n; i += 16)
            _mm512_storeu_si512(to + i, _mm512_permutex2var_epi32(_mm512_loadu_si512(from + i), odd,
                                                                  _mm512_loadu_si512(from + i + kLanes)));
        if (i < n) {
            const __m512i upper = _mm512_srli_epi64(_mm512_castpd_si512(load(from + i)), 32);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm512_cvtepi64_epi32(upper));
        }
    }
    static std::int32_t count_halves(const std::int32_t* values, std::int32_t n, std::int32_t limit) {
        const __m512i bound = _mm512_set1_epi32(limit);
        int sum = 0;
        for (std::int32_t i = 0; i < n; i += 16)
            sum += popcount(_mm512_cmp_epi32_mask(_mm512_loadu_si512(values + i), bound, _MM_CMPINT_NLT));
        return sum;
    }
    static bool any_common(const std::uint32_t* a, std::int32_t n, const std::uint32_t* b, std::int32_t m) {
        __m256i found = _mm256_setzero_si256();
        for (std::int32_t j = 0; j < m; ++j) {
            const __m256i wanted = _mm256_set1_epi32(static_cast<int>(b[j]));
            for (std::int32_t i = 0; i < n; i += kLanes) {
                const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
                found = _mm256_or_si256(found, _mm256_cmpeq_epi32(values, wanted));
            }
        }
        return _mm256_movemask_epi8(found) != 0;
    }
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
    static D keep_with_bit(D a, const std::uint64_t* words, std::int32_t place) {
        return _mm512_maskz_mov_pd(static_cast<__mmask8>(with_bit(words, place)), a);
    }
    static unsigned bits_at(std::uint64_t word, const std::uint64_t* places, std::int32_t first) {
        const __m512i bits =
            _mm512_srlv_epi64(_mm512_set1_epi64(static_cast<long long>(word)),
                              _mm512_sub_epi64(_mm512_loadu_si512(places), _mm512_set1_epi64(first)));
        return _mm512_test_epi64_mask(bits, _mm512_set1_epi64(1));
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
    static void compress_sums(std::uint64_t* to, const std::uint64_t* from, std::uint64_t more,
                              unsigned mask) {
        const __m512i sums =
            _mm512_add_epi64(_mm512_loadu_si512(from), _mm512_set1_epi64(static_cast<long long>(more)));
        _mm512_storeu_si512(to, _mm512_maskz_compress_epi64(static_cast<__mmask8>(mask), sums));
    }
};

}  // namespace ctc

#endif

// Sixteen floats in x86-64 registers: four of SSE2, two of AVX2, or one of AVX-512.
//
// An isa_*.cpp includes this where the compiler may use the instructions. floats.hpp documents the interface.
#pragma once

#include "ctc/floats.hpp"
#include "ctc/lanes_x86.hpp"

#if CTC_DISPATCH_X86

namespace ctc {

// The last steps of a sum and of a maximum: four floats of SSE.
template <class L>
struct FourFloats {
    static float sum(__m128 a) {
        a = _mm_add_ps(a, _mm_movehl_ps(a, a));
        return _mm_cvtss_f32(_mm_add_ss(a, _mm_shuffle_ps(a, a, 1)));
    }
    static float largest(__m128 a) {
        a = _mm_max_ps(a, _mm_movehl_ps(a, a));
        return _mm_cvtss_f32(_mm_max_ss(a, _mm_shuffle_ps(a, a, 1)));
    }
};

// Floats that span several registers of type R.
template <class R>
struct SplitFloats {
    static constexpr int kParts = kFloats / R::kSize;
    using V = typename R::V;
    struct F {
        V part[static_cast<unsigned>(kParts)];
    };
    template <class G>
    static F each(G g) {
        F f;
        for (int i = 0; i < kParts; ++i) f.part[i] = g(i);
        return f;
    }
    static F load(const float* from) {
        return each([&](int i) { return R::load(from + i * R::kSize); });
    }
    static void store(float* to, F a) {
        for (int i = 0; i < kParts; ++i) R::store(to + i * R::kSize, a.part[i]);
    }
    static F broadcast(float x) {
        return each([&](int) { return R::broadcast(x); });
    }
    static F add(F a, F b) {
        return each([&](int i) { return R::add(a.part[i], b.part[i]); });
    }
    static F sub(F a, F b) {
        return each([&](int i) { return R::sub(a.part[i], b.part[i]); });
    }
    static F mul(F a, F b) {
        return each([&](int i) { return R::mul(a.part[i], b.part[i]); });
    }
    static F max(F a, F b) {
        return each([&](int i) { return R::max(a.part[i], b.part[i]); });
    }
    static bool all_below(F a, F b) {
        V all = R::below(a.part[0], b.part[0]);
        for (int i = 1; i < kParts; ++i) all = R::bit_and(all, R::below(a.part[i], b.part[i]));
        return R::movemask(all) == (1U << R::kSize) - 1;
    }
    static unsigned equal(F a, F b) {
        unsigned mask = 0;
        for (int i = 0; i < kParts; ++i)
            mask |= R::movemask(R::equal(a.part[i], b.part[i])) << (i * R::kSize);
        return mask;
    }
    static float sum(F a) {
        for (int half = kParts / 2; half > 0; half /= 2)
            for (int i = 0; i < half; ++i) a.part[i] = R::add(a.part[i], a.part[i + half]);
        return R::sum(a.part[0]);
    }
    static float largest(F a) {
        for (int half = kParts / 2; half > 0; half /= 2)
            for (int i = 0; i < half; ++i) a.part[i] = R::max(a.part[i], a.part[i + half]);
        return R::largest(a.part[0]);
    }
    static F with_bits_of(F a) {
        return each([&](int i) { return R::with_bits_of(a.part[i]); });
    }
};

#if defined(CTC_USE_AVX512)
struct Avx512Floats {
    using F = __m512;
    static F load(const float* from) { return _mm512_loadu_ps(from); }
    static void store(float* to, F a) { _mm512_storeu_ps(to, a); }
    static F broadcast(float x) { return _mm512_set1_ps(x); }
    static F add(F a, F b) { return _mm512_add_ps(a, b); }
    static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
    static F max(F a, F b) { return _mm512_max_ps(a, b); }
    static bool all_below(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ) == 0xffff; }
    static unsigned equal(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
    static float sum(F a) {
        const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
        return FourFloats<Avx512Lanes>::sum(
            _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
    }
    static float largest(F a) {
        const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
        return FourFloats<Avx512Lanes>::largest(
            _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
    }
    static F with_bits_of(F a) { return _mm512_castsi512_ps(_mm512_cvttps_epi32(a)); }
};
template <>
struct FloatsOf<Avx512Lanes> {
    using Type = Avx512Floats;
};
#endif

#if defined(CTC_USE_AVX2)
struct Avx2FloatRegister {
    using V = __m256;
    static constexpr int kSize = 8;
    static V load(const float* from) { return _mm256_loadu_ps(from); }
    static void store(float* to, V a) { _mm256_storeu_ps(to, a); }
    static V broadcast(float x) { return _mm256_set1_ps(x); }
    static V add(V a, V b) { return _mm256_add_ps(a, b); }
    static V sub(V a, V b) { return _mm256_sub_ps(a, b); }
    static V mul(V a, V b) { return _mm256_mul_ps(a, b); }
    static V max(V a, V b) { return _mm256_max_ps(a, b); }
    static V below(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
    static V equal(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
    static V bit_and(V a, V b) { return _mm256_and_ps(a, b); }
    static unsigned movemask(V mask) { return static_cast<unsigned>(_mm256_movemask_ps(mask)); }
    static float sum(V a) {
        return FourFloats<Avx2Lanes>::sum(_mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1)));
    }
    static float largest(V a) {
        return FourFloats<Avx2Lanes>::largest(
            _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1)));
    }
    static V with_bits_of(V a) { return _mm256_castsi256_ps(_mm256_cvttps_epi32(a)); }
};
template <>
struct FloatsOf<Avx2Lanes> {
    using Type = SplitFloats<Avx2FloatRegister>;
};
#endif

#if defined(CTC_USE_SSE2)
struct Sse2FloatRegister {
    using V = __m128;
    static constexpr int kSize = 4;
    static V load(const float* from) { return _mm_loadu_ps(from); }
    static void store(float* to, V a) { _mm_storeu_ps(to, a); }
    static V broadcast(float x) { return _mm_set1_ps(x); }
    static V add(V a, V b) { return _mm_add_ps(a, b); }
    static V sub(V a, V b) { return _mm_sub_ps(a, b); }
    static V mul(V a, V b) { return _mm_mul_ps(a, b); }
    static V max(V a, V b) { return _mm_max_ps(a, b); }
    static V below(V a, V b) { return _mm_cmplt_ps(a, b); }
    static V equal(V a, V b) { return _mm_cmpeq_ps(a, b); }
    static V bit_and(V a, V b) { return _mm_and_ps(a, b); }
    static unsigned movemask(V mask) { return static_cast<unsigned>(_mm_movemask_ps(mask)); }
    static float sum(V a) { return FourFloats<Sse2Lanes>::sum(a); }
    static float largest(V a) { return FourFloats<Sse2Lanes>::largest(a); }
    static V with_bits_of(V a) { return _mm_castsi128_ps(_mm_cvttps_epi32(a)); }
};
template <>
struct FloatsOf<Sse2Lanes> {
    using Type = SplitFloats<Sse2FloatRegister>;
};
#endif

}  // namespace ctc

#endif

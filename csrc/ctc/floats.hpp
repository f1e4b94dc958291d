// Vectors of sixteen floats with the same interface for every instruction set, as lanes.hpp has for doubles.
#pragma once

#include <cstdint>
#include <cstring>

#include "ctc/lanes.hpp"

namespace ctc {

constexpr std::int32_t kFloats = 16;

// The interface of a type of floats.
//   load, store, broadcast    access memory without alignment
//   add, sub, mul, max        by element; max(a, b) is b where a is NaN
//   all_below(a, b)           whether a < b in every element, so false if one is NaN
//   equal(a, b)               a mask in which bit i stands for element i
//   sum(a), largest(a)        of all elements: those i and i + 8 first, then the results i and i + 4, and so
//   on with_bits_of(a)           the floats whose bits, as whole numbers, are those of `a`, rounded down
//
// FloatsOf<L>::Type is the type for the instruction set of the lanes L.
template <class L>
struct FloatsOf;

// Without intrinsics, for any machine.
struct PortableFloats {
    struct F {
        float at[kFloats];
    };
    template <class G>
    static F each(G g) {
        F f;
        for (int i = 0; i < kFloats; ++i) f.at[i] = g(i);
        return f;
    }
    static F load(const float* from) {
        F f;
        std::memcpy(&f, from, sizeof f);
        return f;
    }
    static void store(float* to, F a) { std::memcpy(to, &a, sizeof a); }
    static F broadcast(float x) {
        return each([&](int) { return x; });
    }
    static F add(F a, F b) {
        return each([&](int i) { return a.at[i] + b.at[i]; });
    }
    static F sub(F a, F b) {
        return each([&](int i) { return a.at[i] - b.at[i]; });
    }
    static F mul(F a, F b) {
        return each([&](int i) { return a.at[i] * b.at[i]; });
    }
    static F max(F a, F b) {
        return each([&](int i) { return a.at[i] > b.at[i] ? a.at[i] : b.at[i]; });
    }
    static bool all_below(F a, F b) {
        bool all = true;
        for (int i = 0; i < kFloats; ++i) all &= a.at[i] < b.at[i];
        return all;
    }
    static unsigned equal(F a, F b) {
        unsigned mask = 0;
        for (int i = 0; i < kFloats; ++i) mask |= static_cast<unsigned>(a.at[i] == b.at[i]) << i;
        return mask;
    }
    static float sum(F a) {
        return reduce(a, [](float x, float y) { return x + y; });
    }
    static float largest(F a) {
        return reduce(a, [](float x, float y) { return x > y ? x : y; });
    }
    template <class G>
    static float reduce(F a, G g) {
        for (int i = 0; i < 8; ++i) a.at[i] = g(a.at[i], a.at[i + 8]);
        for (int i = 0; i < 4; ++i) a.at[i] = g(a.at[i], a.at[i + 4]);
        for (int i = 0; i < 2; ++i) a.at[i] = g(a.at[i], a.at[i + 2]);
        return g(a.at[0], a.at[1]);
    }
    static F with_bits_of(F a) {
        return each([&](int i) {
            const auto bits = static_cast<std::int32_t>(a.at[i]);
            float value;
            std::memcpy(&value, &bits, sizeof value);
            return value;
        });
    }
};

template <>
struct FloatsOf<PortableLanes> {
    using Type = PortableFloats;
};

}  // namespace ctc

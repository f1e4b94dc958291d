// Small helpers and numeric limits that several steps of LaneSearch share.
#pragma once

#include "ctc/lane_exp.hpp"
#include "ctc/lane_includes.hpp"

namespace ctc {

template <class L>
struct LaneMath {
    using D = typename L::D;

    static constexpr double kInfinity = std::numeric_limits<double>::infinity();

    // No total below this is compared or kept, so that every comparison is between normal doubles.
    static constexpr double kSmallestTotal = 1e-300;
    // A relative margin that is wider than any tie (kTie).
    static constexpr double kSlack = 1.0 - 1e-11;

    static CTC_ALWAYS_INLINE double largest(D values) {
        double all[kLanes];
        L::store(all, values);
        // A tree, without a branch that depends on the values.
        const auto higher = [](double a, double b) { return a > b ? a : b; };
        for (int width = kLanes / 2; width > 0; width /= 2)
            for (int i = 0; i < width; ++i) all[i] = higher(all[i], all[i + width]);
        return all[0];
    }

    static CTC_ALWAYS_INLINE double smallest(D values) {
        double all[kLanes];
        L::store(all, values);
        const auto lower = [](double a, double b) { return a < b ? a : b; };
        for (int width = kLanes / 2; width > 0; width /= 2)
            for (int i = 0; i < width; ++i) all[i] = lower(all[i], all[i + width]);
        return all[0];
    }

    // The largest of `count` values, which are padded to whole registers; at least 0.
    static double largest(const double* values, std::int32_t count) {
        D most = L::broadcast(0.0);
        for (std::int32_t i = 0; i < count; i += kLanes) most = L::max(L::load(values + i), most);
        return largest(most);
    }

    // probs[i] = exp(logs[i]) * 2^-exponent. Both arrays are padded to whole registers.
    static void exp_all(const double* logs, double* probs, std::int32_t count, std::int64_t exponent) {
        for (std::int32_t i = 0; i < count; i += kLanes)
            L::store(probs + i, lane_exp<L>(L::load(logs + i), exponent));
    }
};

}  // namespace ctc

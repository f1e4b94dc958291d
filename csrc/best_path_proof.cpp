// BestPathProof: the largest value and a bound on the sum of each row, in vectors of floats.
#include "ctc/best_path_proof.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ctc/lanes.hpp"
#include "ctc/prob.hpp"

namespace ctc {

namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
// The float next to kHighestLog is above it.
constexpr float kAboveHighest = static_cast<float>(kHighestLog);
static_assert(static_cast<double>(kAboveHighest) > kHighestLog, "values below it are at most kHighestLog");

// Four floats. max(a, b) is b where a is NaN; all_below(a, b) is false if one is NaN; with_bits_of(a) are the
// floats whose bits, as whole numbers, are those of `a`, rounded down.
#if CTC_DISPATCH_X86
using Four = __m128;
Four load(const float* from) {
    return _mm_loadu_ps(from);
}
void store(float* to, Four a) {
    _mm_storeu_ps(to, a);
}
Four all(float x) {
    return _mm_set1_ps(x);
}
Four add(Four a, Four b) {
    return _mm_add_ps(a, b);
}
Four sub(Four a, Four b) {
    return _mm_sub_ps(a, b);
}
Four mul(Four a, Four b) {
    return _mm_mul_ps(a, b);
}
Four max(Four a, Four b) {
    return _mm_max_ps(a, b);
}
bool all_below(Four a, Four b) {
    return _mm_movemask_ps(_mm_cmplt_ps(a, b)) == 15;
}
Four with_bits_of(Four a) {
    return _mm_castsi128_ps(_mm_cvttps_epi32(a));
}
#else
struct Four {
    float at[4];
};
template <class F>
Four each(F f) {
    return {{f(0), f(1), f(2), f(3)}};
}
Four load(const float* from) {
    return {{from[0], from[1], from[2], from[3]}};
}
void store(float* to, Four a) {
    std::copy_n(a.at, 4, to);
}
Four all(float x) {
    return {{x, x, x, x}};
}
Four add(Four a, Four b) {
    return each([&](int i) { return a.at[i] + b.at[i]; });
}
Four sub(Four a, Four b) {
    return each([&](int i) { return a.at[i] - b.at[i]; });
}
Four mul(Four a, Four b) {
    return each([&](int i) { return a.at[i] * b.at[i]; });
}
Four max(Four a, Four b) {
    return each([&](int i) { return a.at[i] > b.at[i] ? a.at[i] : b.at[i]; });
}
bool all_below(Four a, Four b) {
    return a.at[0] < b.at[0] && a.at[1] < b.at[1] && a.at[2] < b.at[2] && a.at[3] < b.at[3];
}
Four with_bits_of(Four a) {
    return each([&](int i) {
        const auto bits = static_cast<std::int32_t>(a.at[i]);
        float value;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    });
}
#endif

// Calls `use` with every eight values of a row. The last ones are filled up with minus infinity. Two sums or
// maxima of four take half the time of one, because a processor starts an addition before the previous one
// has ended.
template <class F>
void for_each_eight(const float* values, std::int32_t count, F use) {
    static constexpr float kMask[16] = {kLowest, kLowest, kLowest, kLowest,
                                        kLowest, kLowest, kLowest, kLowest};
    std::int32_t k = 0;
    for (; k + 8 <= count; k += 8) use(load(values + k), load(values + k + 4));
    if (k == count) return;
    if (count > 8) {  // the last eight, of which those that were used already become minus infinity
        const float* mask = kMask + (count - k);
        use(add(load(values + count - 8), load(mask)), add(load(values + count - 4), load(mask + 4)));
        return;
    }
    float last[8];
    std::copy_n(kMask, 8, last);
    std::copy_n(values, count, last);
    use(load(last), load(last + 4));
}

// Returns the largest of `count` values, or NaN if one is no log-probability.
float largest(const float* values, std::int32_t count) {
    Four even = all(kLowest);
    Four odd = even;
    bool ok = true;
    const Four above = all(kAboveHighest);
    for_each_eight(values, count, [&](Four a, Four b) {
        even = max(a, even);
        odd = max(b, odd);
        ok &= all_below(a, above) & all_below(b, above);
    });
    float parts[4];
    store(parts, max(even, odd));
    const float most = std::max(std::max(parts[0], parts[1]), std::max(parts[2], parts[3]));
    return ok ? most : std::numeric_limits<float>::quiet_NaN();
}

// Returns at least 2^y for y = (value - peak) / ln 2: the floats whose exponent is the whole part of y and
// whose mantissa is 1 plus the rest f. 1 + f >= 2^f for f in [0, 1]; the excess is at most 6.2 %.
Four bound_of_exp(Four values, Four peak) {
    const Four y = max(mul(sub(values, peak), all(1.44269504F)), all(-126.0F));
    return with_bits_of(mul(add(y, all(127.0F)), all(8388608.0F)));
}

// Returns an upper bound of the sum of the probabilities of a row, relative to the largest one.
double bound_of_sum(const float* values, float peak, std::int32_t count) {
    Four even = all(0.0F);
    Four odd = even;
    const Four highest = all(peak);
    for_each_eight(values, count, [&](Four a, Four b) {
        even = add(even, bound_of_exp(a, highest));
        odd = add(odd, bound_of_exp(b, highest));
    });
    float parts[4];
    store(parts, add(even, odd));
    const double sum = static_cast<double>((parts[0] + parts[1]) + (parts[2] + parts[3]));
    // The largest one itself was counted exactly. Rounding of y, at most 2^-15, needs a factor of 1 + 5e-5 on
    // the others; that of the sums in floats a part of the sum, which grows with the number of classes.
    const double others = std::max(0.0, sum - 1.0);
    return 1.0 + others * (1.0 + 1e-4) + sum * (1e-6 + 2e-8 * count);
}

}  // namespace

Status BestPathProof::run(const LogProbs& log_probs, std::int32_t blank) {
    labels_.clear();
    peaks_.resize(static_cast<std::size_t>(log_probs.frames));
    proven_ = false;
    std::int32_t last = blank;
    double mass = 1.0;  // upper bound, relative to the product of the peaks
    double sum_of_peaks = 0.0;
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        Row row;
        const Status status = read_row(log_probs, frame, row);
        if (status != Status::ok) {
            bad_frame_ = frame;
            return status;
        }
        // Mostly the class is the blank or the previous one.
        std::int32_t best = row.values[blank] == row.peak ? blank : row.values[last] == row.peak ? last : 0;
        while (row.values[best] != row.peak) ++best;
        if (best != blank && best != last) labels_.push_back(best);
        last = best;
        mass *= bound_of_sum(row.values, row.peak, log_probs.classes);
        peaks_[static_cast<std::size_t>(frame)] = log_probs.at(frame, best);
        sum_of_peaks += peaks_[static_cast<std::size_t>(frame)];
    }
    const LabellingView view{labels_.data(), static_cast<std::int32_t>(labels_.size())};
    const double prob = forward_.run(log_probs, view, blank, peaks_.data());
    // The rounding of `prob` is far below what the bound of each row has added. If `mass` is infinite, the
    // comparison is false.
    proven_ = prob > 0.5 * mass;
    if (proven_) log_prob_ = std::log(prob) + sum_of_peaks;
    return Status::ok;
}

// Returns the row as floats: itself, or its differences to the largest value.
Status BestPathProof::read_row(const LogProbs& log_probs, std::int32_t frame, Row& row) {
    const std::int32_t classes = log_probs.classes;
    double peak = 0.0;
    if (log_probs.dtype == Dtype::float32 && log_probs.class_stride == sizeof(float)) {
        row.values = reinterpret_cast<const float*>(log_probs.data + frame * log_probs.frame_stride);
        row.peak = largest(row.values, classes);
        peak = static_cast<double>(row.peak);
    } else {
        peak = -std::numeric_limits<double>::infinity();
        for (std::int32_t k = 0; k < classes; ++k) {
            const double value = log_probs.at(frame, k);
            if (!(value <= kHighestLog)) return Status::not_a_log_prob;
            peak = std::max(peak, value);
        }
        if (peak >= kLowestLog) {
            values_.resize(static_cast<std::size_t>(classes));
            for (std::int32_t k = 0; k < classes; ++k)
                values_[static_cast<std::size_t>(k)] = static_cast<float>(log_probs.at(frame, k) - peak);
        }
        row = {values_.data(), 0.0F};
    }
    if (std::isnan(peak)) return Status::not_a_log_prob;
    return peak >= kLowestLog ? Status::ok : Status::impossible_frame;
}

}  // namespace ctc

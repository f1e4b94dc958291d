// The labelling of the best path, and the cheap proof that it is the most probable one.
//
// A labelling with more than half of the probability of all labellings is the most probable one, because the
// others share the rest. The probability of all labellings is the product of the row sums. An upper bound of
// it is enough, which saves the exponential of every class.
#pragma once

#include "ctc/lane_forward.hpp"
#include "ctc/lane_includes.hpp"

namespace ctc {

// Keeps its memory between calls.
template <class L>
class LaneBestPath {
  public:
    // Reads the sequence. If it returns not ok, bad_frame() is the first frame with that status.
    Status run(const LogProbs& log_probs, std::int32_t blank);

    std::int32_t bad_frame() const { return bad_frame_; }
    const std::vector<std::int32_t>& labels() const { return labels_; }
    bool proven() const { return proven_; }
    double log_prob() const { return log_prob_; }                // of labels(), if proven
    const std::vector<double>& peaks() const { return peaks_; }  // the highest log-probability of each frame

  private:
    using V = typename FloatsOf<L>::Type;
    using F = typename V::F;

    struct Row {
        const float* values;  // of each class, plus a constant
        float peak;           // the largest of values
    };
    Status read_row(const LogProbs& log_probs, std::int32_t frame, Row& row);
    static F sixteen_from(const float* values, std::int32_t first, std::int32_t count);
    static float largest(const float* values, std::int32_t count);
    static std::int32_t first_equal(const float* values, std::int32_t count, float wanted);
    static F bound_of_exp(F values, F peak);
    static double bound_of_sum(const float* values, float peak, std::int32_t count);

    std::vector<std::int32_t> labels_;
    std::vector<double> peaks_;
    std::vector<float> values_;
    std::int32_t bad_frame_ = 0;
    bool proven_ = false;
    double log_prob_ = 0.0;
    LaneForward<L> forward_;
};

// Returns the sixteen values from `first` on, a multiple of sixteen. Those behind the last one are minus
// infinity, or values of the sixteen before with minus infinity added.
template <class L>
typename LaneBestPath<L>::F LaneBestPath<L>::sixteen_from(const float* values, std::int32_t first,
                                                          std::int32_t count) {
    if (first + kFloats <= count) return V::load(values + first);
    constexpr float kLowest = -std::numeric_limits<float>::infinity();
    // Minus infinity for those that a load of the last sixteen reads a second time.
    static constexpr float kMask[2 * kFloats] = {kLowest, kLowest, kLowest, kLowest, kLowest, kLowest,
                                                 kLowest, kLowest, kLowest, kLowest, kLowest, kLowest,
                                                 kLowest, kLowest, kLowest, kLowest};
    if (count > kFloats) return V::add(V::load(values + count - kFloats), V::load(kMask + (count - first)));
    float last[kFloats];
    std::memcpy(last, kMask, sizeof last);
    std::memcpy(last, values, static_cast<std::size_t>(count) * sizeof(float));
    return V::load(last);
}

// Returns the largest of `count` values, or NaN if one is no log-probability.
template <class L>
float LaneBestPath<L>::largest(const float* values, std::int32_t count) {
    // The float next to kHighestLog is above it.
    constexpr float kAboveHighest = static_cast<float>(kHighestLog);
    static_assert(static_cast<double>(kAboveHighest) > kHighestLog,
                  "values below it are at most kHighestLog");
    const F above = V::broadcast(kAboveHighest);
    F most = V::broadcast(-std::numeric_limits<float>::infinity());
    bool ok = true;
    for (std::int32_t k = 0; k < count; k += kFloats) {
        const F next = sixteen_from(values, k, count);
        most = V::max(next, most);
        ok &= V::all_below(next, above);
    }
    return ok ? V::largest(most) : std::numeric_limits<float>::quiet_NaN();
}

// Returns the place of the first value that equals `wanted`; there must be one.
template <class L>
std::int32_t LaneBestPath<L>::first_equal(const float* values, std::int32_t count, float wanted) {
    std::int32_t place = 0;
    if (count < kFloats) {
        while (values[place] != wanted) ++place;
        return place;
    }
    for (const F all = V::broadcast(wanted);; place += kFloats) {
        place = std::min(place, count - kFloats);
        const unsigned mask = V::equal(V::load(values + place), all);
        if (mask != 0) return place + lowest_bit(mask);
    }
}

// Returns at least 2^y for y = (value - peak) / ln 2: the floats whose exponent is the whole part of y and
// whose mantissa is 1 plus the rest f. 1 + f >= 2^f for f in [0, 1]; the excess is at most 6.2 %.
template <class L>
typename LaneBestPath<L>::F LaneBestPath<L>::bound_of_exp(F values, F peak) {
    const F y = V::max(V::mul(V::sub(values, peak), V::broadcast(1.44269504F)), V::broadcast(-126.0F));
    return V::with_bits_of(V::mul(V::add(y, V::broadcast(127.0F)), V::broadcast(8388608.0F)));
}

// Returns an upper bound of the sum of the probabilities of a row, relative to the largest one.
template <class L>
double LaneBestPath<L>::bound_of_sum(const float* values, float peak, std::int32_t count) {
    const F highest = V::broadcast(peak);
    F sums = V::broadcast(0.0F);
    for (std::int32_t k = 0; k < count; k += kFloats)
        sums = V::add(sums, bound_of_exp(sixteen_from(values, k, count), highest));
    const double sum = static_cast<double>(V::sum(sums));
    // The largest one itself was counted exactly. Rounding of y, at most 2^-15, needs a factor of 1 + 5e-5 on
    // the others; that of the sums in floats a part of the sum, which grows with the number of classes.
    const double others = std::max(0.0, sum - 1.0);
    return 1.0 + others * (1.0 + 1e-4) + sum * (1e-6 + 2e-8 * count);
}

template <class L>
Status LaneBestPath<L>::run(const LogProbs& log_probs, std::int32_t blank) {
    // One label more than there can be: what is no new label is overwritten, which takes no branch.
    labels_.resize(static_cast<std::size_t>(log_probs.frames) + 1);
    peaks_.resize(static_cast<std::size_t>(log_probs.frames));
    proven_ = false;
    std::size_t count = 0;
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
        std::int32_t best = row.values[blank] == row.peak ? blank : last;
        if (row.values[best] != row.peak) best = first_equal(row.values, log_probs.classes, row.peak);
        labels_[count] = best;
        count += static_cast<std::size_t>((best != blank) & (best != last));
        last = best;
        mass *= bound_of_sum(row.values, row.peak, log_probs.classes);
        const double peak = log_probs.at(frame, best);
        peaks_[static_cast<std::size_t>(frame)] = peak;
        sum_of_peaks += peak;
    }
    labels_.resize(count);
    const LabellingView view{labels_.data(), static_cast<std::int32_t>(count)};
    const double prob = forward_.run(log_probs, view, blank, peaks_.data());
    // The rounding of `prob` is far below what the bound of each row has added. If `mass` is infinite, the
    // comparison is false.
    proven_ = prob > 0.5 * mass;
    if (proven_) log_prob_ = std::log(prob) + sum_of_peaks;
    return Status::ok;
}

// Returns the row as floats: itself, or its differences to the largest value.
template <class L>
Status LaneBestPath<L>::read_row(const LogProbs& log_probs, std::int32_t frame, Row& row) {
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

// One frame of log-probabilities, converted to doubles and checked.
#pragma once

#include "ctc/lane_math.hpp"

namespace ctc {

// Invariants after read() has returned Status::ok:
// - log_prob[k] is the log-probability of class k as a double, for k in [0, classes). The blank's place holds
//   -inf instead, because no labelling is extended by the blank; its value is in log_blank.
// - From `classes` to the end of that register log_prob is -inf. So there is always one class more, which the
//   empty labelling has as its "last label".
// - log_best is the largest value in log_prob.
template <class L>
class LaneFrame {
  public:
    static constexpr std::int32_t kFewClasses = 64;  // log_prob has memory for so many

    std::int32_t classes = 0;
    Column<double> log_prob;
    double log_blank = 0.0;
    double log_best = 0.0;

    // Prepares for a sequence. Keeps the memory.
    void start(std::int32_t num_classes) {
        classes = num_classes;
        const auto padded = static_cast<std::size_t>(whole_lanes(classes + 1));
        log_prob.reserve(std::max<std::size_t>(padded, kFewClasses));
        if (blank_ >= 0) set_blank(blank_);  // more classes need a longer column
        std::fill_n(log_prob.data() + classes, padded - static_cast<std::size_t>(classes), -kInfinity);
    }

    // Reads frame `frame`.
    Status read(const LogProbs& log_probs, std::int32_t frame, std::int32_t blank);

    // The first class whose log-probability is log_best.
    std::int32_t best_label() const {
        const D wanted = L::broadcast(log_best);
        for (std::int32_t label = 0;; label += kLanes) {
            const unsigned mask = L::at_least(L::load(log_prob.data() + label), wanted);
            if (mask != 0) return label + lowest_bit(mask);
        }
    }

    // The sum of the probabilities of all classes, times 2^-exponent; `prob_blank` is the blank's.
    double sum_of_probs(double prob_blank, std::int64_t exponent) const {
        D sums = L::broadcast(0.0);
        for (std::int32_t label = 0; label < classes; label += kLanes)
            sums = L::add(sums, lane_exp<L>(L::load(log_prob.data() + label), exponent));
        double all[kLanes];
        L::store(all, sums);
        double sum = prob_blank;
        for (const double part : all) sum += part;
        return sum;
    }

  private:
    using D = typename L::D;
    static constexpr double kInfinity = LaneMath<L>::kInfinity;

    static D load_as_doubles(const float* from) { return L::widen(from); }
    static D load_as_doubles(const double* from) { return L::load(from); }

    void set_blank(std::int32_t blank);
    template <class T>
    bool convert_row(const unsigned char* row, std::ptrdiff_t stride);

    std::int32_t blank_ = -1;
    Column<double> not_blank_;  // by class: -inf for the blank, else 0
};

template <class L>
void LaneFrame<L>::set_blank(std::int32_t blank) {
    not_blank_.reserve(log_prob.capacity());
    if (blank_ >= 0) not_blank_.data()[blank_] = 0.0;
    not_blank_.data()[blank] = -kInfinity;
    blank_ = blank;
}

// Converts a row into log_prob, log_blank and log_best. Returns whether every value is a log-probability.
template <class L>
template <class T>
bool LaneFrame<L>::convert_row(const unsigned char* row, std::ptrdiff_t stride) {
    double* to = log_prob.data();
    if (stride != sizeof(T) || classes < kLanes) {
        bool ok = true;
        log_best = -kInfinity;
        for (std::int32_t label = 0; label < classes; ++label, row += stride) {
            T value;
            std::memcpy(&value, row, sizeof value);
            to[label] = static_cast<double>(value);
            ok = ok && to[label] <= kHighestLog;
            if (label != blank_) log_best = std::max(log_best, to[label]);
        }
        log_blank = to[blank_];
        to[blank_] = -kInfinity;
        return ok;
    }
    const D highest = L::broadcast(kHighestLog);
    const T* from = reinterpret_cast<const T*>(row);
    const double* not_blank = not_blank_.data();
    // A lane becomes 0 where a value is too high or NaN. An integer mask would be a slower loop-carried
    // value.
    D ok = L::broadcast(1.0);
    D most = L::broadcast(-kInfinity);
    const auto convert = [&](std::int32_t label) {
        const D values = load_as_doubles(from + label);
        ok = L::zero_unless_at_least(ok, highest, values);
        const D labels = L::add(values, L::load(not_blank + label));
        most = L::max(labels, most);
        L::store(to + label, labels);
    };
    std::int32_t label = 0;
    for (; label + kLanes <= classes; label += kLanes) convert(label);
    // The remaining classes: read the last eight, some of them a second time, to stay inside the row.
    if (label < classes) convert(classes - kLanes);
    log_blank = static_cast<double>(from[blank_]);
    log_best = LaneMath<L>::largest(most);
    return L::at_least(ok, L::broadcast(1.0)) == 0xff;
}

template <class L>
Status LaneFrame<L>::read(const LogProbs& log_probs, std::int32_t frame, std::int32_t blank) {
    if (blank != blank_) set_blank(blank);
    const unsigned char* row = log_probs.data + frame * log_probs.frame_stride;
    const bool ok = log_probs.dtype == Dtype::float32 ? convert_row<float>(row, log_probs.class_stride)
                                                      : convert_row<double>(row, log_probs.class_stride);
    if (!ok) return Status::not_a_log_prob;
    return log_best >= kLowestLog || log_blank >= kLowestLog ? Status::ok : Status::impossible_frame;
}

}  // namespace ctc

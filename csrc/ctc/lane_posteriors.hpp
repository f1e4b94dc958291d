// The rows of a sequence as distributions that sum to one.
#pragma once

#include "ctc/lane_math.hpp"

namespace ctc {

// Keeps its memory between sequences.
template <class L>
class LanePosteriors {
  public:
    // `peaks` has the highest log-probability of each frame; every value has been checked.
    void run(const LogProbs& log_probs, const std::vector<double>& peaks);

    // The logarithm of each frame's row sum.
    const std::vector<double>& log_sums() const { return log_sums_; }
    // The logarithm of the product of the row sums.
    double log_mass() const { return log_mass_; }
    // For each class, the sum over the frames of its probability: no labelling with it is more probable.
    const double* class_masses() const { return class_masses_.data(); }

    // Bounds of the relative rounding error: of the comparison of two labellings, and of what compares with
    // the sum of all probabilities. Each frame takes a few dozen roundings, the sum of its row one a class.
    double margin() const { return margin_; }
    double mass_margin() const { return mass_margin_; }

  private:
    using D = typename L::D;

    // The rounding of the differences of logarithms, relative to which exponentials are taken. On an
    // alignment of probability p they sum to -ln p, so for p above 1e-200 their rounding errors to at most
    // 460 * 2^-52.
    static constexpr double kMarginOfLogs = 2.3e-13;
    static constexpr double kNothing = -1e4;  // its exponential is 0

    static void read_row(const LogProbs& log_probs, std::int32_t frame, double peak, double* row);
    static double sum_of(D values);

    std::vector<double> log_sums_;
    Column<double> class_masses_;
    Column<double> row_;
    double log_mass_ = 0.0;
    double margin_ = 0.0;
    double mass_margin_ = 0.0;
};

// Writes the log-probabilities of a frame, minus `peak`, in whole registers.
template <class L>
void LanePosteriors<L>::read_row(const LogProbs& log_probs, std::int32_t frame, double peak, double* row) {
    const unsigned char* from = log_probs.data + frame * log_probs.frame_stride;
    std::int32_t k = 0;
    if (log_probs.dtype == Dtype::float32 && log_probs.class_stride == sizeof(float)) {
        const auto* values = reinterpret_cast<const float*>(from);
        for (const D offset = L::broadcast(peak); k + kLanes <= log_probs.classes; k += kLanes)
            L::store(row + k, L::sub(L::widen(values + k), offset));
    }
    for (; k < log_probs.classes; ++k) row[k] = log_probs.at(frame, k) - peak;
    for (; k % kLanes != 0; ++k) row[k] = kNothing;
}

template <class L>
double LanePosteriors<L>::sum_of(D values) {
    double parts[kLanes];
    L::store(parts, values);
    double sum = 0.0;
    for (const double part : parts) sum += part;
    return sum;
}

template <class L>
void LanePosteriors<L>::run(const LogProbs& log_probs, const std::vector<double>& peaks) {
    const std::int32_t padded = whole_lanes(log_probs.classes);
    row_.reserve(static_cast<std::size_t>(padded));
    class_masses_.reserve(static_cast<std::size_t>(padded));
    std::fill_n(class_masses_.data(), padded, 0.0);
    log_sums_.resize(peaks.size());
    log_mass_ = 0.0;
    double magnitude = 0.0;  // of the logarithms, whose rounding error grows with it
    double* row = row_.data();
    double* masses = class_masses_.data();
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        const double peak = peaks[static_cast<std::size_t>(frame)];
        read_row(log_probs, frame, peak, row);
        D sums = L::broadcast(0.0);
        for (std::int32_t k = 0; k < padded; k += kLanes) {
            const D prob = lane_exp<L>(L::load(row + k), 0);
            L::store(row + k, prob);
            sums = L::add(sums, prob);
        }
        const double sum = sum_of(sums);
        const D scale = L::broadcast(1.0 / sum);
        for (std::int32_t k = 0; k < padded; k += kLanes)
            L::store(masses + k, L::add(L::load(masses + k), L::mul(L::load(row + k), scale)));
        const double log_sum = peak + std::log(sum);
        log_sums_[static_cast<std::size_t>(frame)] = log_sum;
        log_mass_ += log_sum;
        magnitude += std::fabs(log_sum) + 1.0;
    }
    const double frames = static_cast<double>(log_probs.frames) + 16.0;
    margin_ = std::ldexp(frames, -48) + kMarginOfLogs;
    mass_margin_ = std::ldexp(frames * (log_probs.classes + 32.0 + magnitude), -51) + kMarginOfLogs;
}

}  // namespace ctc

// Posteriors: the row sums. BestOffer: the rule for ties.
#include "ctc/posteriors.hpp"

#include <algorithm>
#include <cmath>

#include "ctc/exp_all.hpp"

namespace ctc {

namespace {

// The rounding of the differences of logarithms, relative to which exponentials are taken. On an alignment of
// probability p they sum to -ln p, so for p above 1e-200 their rounding errors to at most 460 * 2^-52.
constexpr double kMarginOfLogs = 2.3e-13;

// Writes the log-probabilities of a frame, minus `peak`.
void read_row(const LogProbs& log_probs, std::int32_t frame, double peak, double* row) {
    const unsigned char* from = log_probs.data + frame * log_probs.frame_stride;
    if (log_probs.dtype == Dtype::float32 && log_probs.class_stride == sizeof(float)) {
        const auto* values = reinterpret_cast<const float*>(from);  // a loop that compilers vectorise
        for (std::int32_t k = 0; k < log_probs.classes; ++k) row[k] = static_cast<double>(values[k]) - peak;
        return;
    }
    for (std::int32_t k = 0; k < log_probs.classes; ++k) row[k] = log_probs.at(frame, k) - peak;
}

// Returns the sum, by eight parts: one after the other, each addition would wait for the one before.
double sum_of(const std::vector<double>& values) {
    double parts[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= values.size(); i += kLanes)
        for (std::size_t j = 0; j < kLanes; ++j) parts[j] += values[i + j];
    double sum = 0.0;
    for (; i < values.size(); ++i) sum += values[i];
    for (const double part : parts) sum += part;
    return sum;
}

}  // namespace

void Posteriors::run(const LogProbs& log_probs, const std::vector<double>& peaks) {
    const auto classes = static_cast<std::size_t>(log_probs.classes);
    log_sums_.resize(peaks.size());
    class_masses_.assign(classes, 0.0);
    row_.resize(classes);
    log_mass_ = 0.0;
    double magnitude = 0.0;  // of the logarithms, whose rounding error grows with it
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        const double peak = peaks[static_cast<std::size_t>(frame)];
        read_row(log_probs, frame, peak, row_.data());
        exp_all(row_);
        const double sum = sum_of(row_);
        const double scale = 1.0 / sum;
        for (std::size_t k = 0; k < classes; ++k) class_masses_[k] += row_[k] * scale;
        const double log_sum = peak + std::log(sum);
        log_sums_[static_cast<std::size_t>(frame)] = log_sum;
        log_mass_ += log_sum;
        magnitude += std::fabs(log_sum) + 1.0;
    }
    const double frames = static_cast<double>(log_probs.frames) + 16.0;
    margin_ = std::ldexp(frames, -48) + kMarginOfLogs;
    mass_margin_ = std::ldexp(frames * (log_probs.classes + 32.0 + magnitude), -51) + kMarginOfLogs;
}

void BestOffer::clear() {
    labels_.clear();
    highest_ = 0.0;
}

bool BestOffer::reaches(double prob) const {
    return prob > highest_ || highest_ - prob < kTie * highest_;
}

void BestOffer::offer(const std::vector<std::int32_t>& labels, double prob) {
    if (!reaches(prob)) return;
    const bool tie = std::fabs(prob - highest_) < kTie * std::max(prob, highest_);
    if (!tie || labels < labels_) labels_ = labels;
    highest_ = std::max(highest_, prob);
}

}  // namespace ctc

// The forward algorithm in doubles, for frames that are scaled so that nothing which matters underflows.
#pragma once

#include "ctc/lane_math.hpp"

namespace ctc {

// Keeps its memory between calls.
template <class L>
class LaneForward {
  public:
    // Returns the probability of `labelling` where class k of frame t has the probability
    // exp(log_probs.at(t, k) - offsets[t]).
    //
    // Sums over alignments below 1e-308 are lost. Where the offsets are the logarithms of the row sums, the
    // rest of an alignment has a probability of at most 1, so a result above 1e-200 lacks at most 1e-90 of
    // it.
    double run(const LogProbs& log_probs, LabellingView labelling, std::int32_t blank, const double* offsets);

  private:
    using D = typename L::D;

    // As many emissions as fit into the cache are computed at once, which is faster than one frame at a time.
    static constexpr std::int32_t kMostEmissions = 4096;
    static constexpr double kNothing = -1e4;  // its exponential is 0

    // The labels of a frame that can be reached from the start, and from which the end can be reached. There
    // is one more than that, of probability 0, for the blank behind the last label.
    struct Window {
        std::int32_t first;
        std::int32_t size;  // in whole registers
    };
    static Window window_of(std::int32_t count, std::int32_t frame, std::int32_t frames) {
        const std::int32_t first = std::max(0, count - (frames - frame));
        return {first, whole_lanes(std::min(count, frame) - first + 1)};
    }

    std::int32_t read_frames(const LogProbs& log_probs, LabellingView labelling, std::int32_t blank,
                             const double* offsets, std::int32_t first);
    template <class T>
    static void read_row(const unsigned char* row, std::ptrdiff_t stride, const std::int32_t* labels,
                         std::int32_t count, double offset, double* to);
    void advance(Window window, const double* emissions, double prob_blank);

    Column<double> emissions_;  // of each frame: the labels of its window
    Column<double> blanks_;     // of each frame: the blank
    // Sums over the alignments that end in label i, at label_[i + 1]; label_[0] is 0. And over those that end
    // in a blank with i labels before.
    Column<double> label_, blank_;
    Column<double> skip_;  // 1 if label i may follow the previous one without a blank, else 0
};

template <class L>
double LaneForward<L>::run(const LogProbs& log_probs, LabellingView labelling, std::int32_t blank,
                           const double* offsets) {
    const std::int32_t count = labelling.count;
    if (count > log_probs.frames) return 0.0;
    // A window begins anywhere and has whole registers, of which the last one is written at i + 1.
    const auto size = static_cast<std::size_t>(count + 2 * kLanes);
    for (Column<double>* column : {&label_, &blank_, &skip_}) {
        column->reserve(size);
        std::fill_n(column->data(), size, 0.0);
    }
    blank_.data()[0] = 1.0;
    for (std::int32_t i = 1; i < count; ++i)
        skip_.data()[i] = labelling.labels[i] != labelling.labels[i - 1] ? 1.0 : 0.0;
    emissions_.reserve(static_cast<std::size_t>(kMostEmissions + count + 2 * kLanes));
    blanks_.reserve(static_cast<std::size_t>(kMostEmissions));
    for (std::int32_t frame = 0; frame < log_probs.frames;) {
        const std::int32_t end = read_frames(log_probs, labelling, blank, offsets, frame);
        const double* emissions = emissions_.data();
        for (const double* prob_blank = blanks_.data(); frame < end; ++frame, ++prob_blank) {
            const Window window = window_of(count, frame, log_probs.frames);
            advance(window, emissions, *prob_blank);
            emissions += window.size;
        }
    }
    return label_.data()[count] + blank_.data()[count];
}

// Reads the emissions of the frames from `first` on; returns the frame behind the last one.
template <class L>
std::int32_t LaneForward<L>::read_frames(const LogProbs& log_probs, LabellingView labelling,
                                         std::int32_t blank, const double* offsets, std::int32_t first) {
    std::int32_t frame = first;
    double* to = emissions_.data();
    double* blanks = blanks_.data();
    const double* full = to + kMostEmissions;
    for (; frame < log_probs.frames && to < full; ++frame) {
        const Window window = window_of(labelling.count, frame, log_probs.frames);
        const std::int32_t labels = std::min(labelling.count, frame + 1) - window.first;
        const unsigned char* row = log_probs.data + frame * log_probs.frame_stride;
        const std::int32_t* wanted = labelling.labels + window.first;
        *blanks++ = log_probs.at(frame, blank) - offsets[frame];
        std::fill_n(to + window.size - kLanes, kLanes, kNothing);
        if (log_probs.dtype == Dtype::float32)
            read_row<float>(row, log_probs.class_stride, wanted, labels, offsets[frame], to);
        else
            read_row<double>(row, log_probs.class_stride, wanted, labels, offsets[frame], to);
        to += window.size;
    }
    const auto read = static_cast<std::int32_t>(blanks - blanks_.data());
    LaneMath<L>::exp_all(emissions_.data(), emissions_.data(),
                         static_cast<std::int32_t>(to - emissions_.data()), 0);
    LaneMath<L>::exp_all(blanks_.data(), blanks_.data(), read, 0);
    return frame;
}

template <class L>
template <class T>
void LaneForward<L>::read_row(const unsigned char* row, std::ptrdiff_t stride, const std::int32_t* labels,
                              std::int32_t count, double offset, double* to) {
    for (std::int32_t i = 0; i < count; ++i) {
        T value;
        std::memcpy(&value, row + labels[i] * stride, sizeof value);
        to[i] = static_cast<double>(value) - offset;
    }
}

// In place from the last register to the first: lower places still hold the frame before.
template <class L>
void LaneForward<L>::advance(Window window, const double* emissions, double prob_blank) {
    const D stay = L::broadcast(prob_blank);
    for (std::int32_t i = window.size - kLanes; i >= 0; i -= kLanes) {
        double* label = label_.data() + window.first + i;
        double* blank = blank_.data() + window.first + i;
        const D before = L::load(label);
        const D behind_blank = L::load(blank);
        const D skipped = L::mul(L::load(skip_.data() + window.first + i), before);
        const D sum = L::add(L::add(L::load(label + 1), behind_blank), skipped);
        L::store(label + 1, L::mul(sum, L::load(emissions + i)));
        L::store(blank, L::mul(L::add(behind_blank, before), stay));
    }
}

}  // namespace ctc

// ScaledForward: reading the emissions of several frames, and the recursion.
#include "ctc/scaled_forward.hpp"

#include <algorithm>

#include "ctc/exp_all.hpp"

namespace ctc {

namespace {

std::size_t index(std::int32_t value) {
    return static_cast<std::size_t>(value);
}

// The first place from which the end can be reached with the frames from `frame` on.
std::int32_t first_place(std::int32_t count, std::int32_t frame, std::int32_t frames) {
    return std::max(0, count - (frames - frame));
}

}  // namespace

double ScaledForward::run(const LogProbs& log_probs, LabellingView labelling, std::int32_t blank,
                          const double* offsets) {
    const std::int32_t count = labelling.count;
    if (count > log_probs.frames) return 0.0;
    label_.assign(index(count) + 1, 0.0);
    blank_.assign(index(count) + 1, 0.0);
    blank_[0] = 1.0;
    skip_.assign(index(count) + 1, 0.0);
    for (std::int32_t i = 1; i < count; ++i)
        if (labelling.labels[i] != labelling.labels[i - 1]) skip_[index(i)] = 1.0;
    for (std::int32_t frame = 0; frame < log_probs.frames;) {
        const std::int32_t end = read_frames(log_probs, labelling, blank, offsets, frame);
        for (const double* emissions = emissions_.data(); frame < end; ++frame) {
            const std::int32_t first = first_place(count, frame, log_probs.frames);
            advance(count, frame, first, emissions);
            emissions += 1 + std::max(0, std::min(count - 1, frame) - first + 1);
        }
    }
    return count == 0 ? blank_[0] : label_[index(count)] + blank_[index(count)];
}

// Reads the emissions of the frames from `first` on; returns the frame behind the last one.
std::int32_t ScaledForward::read_frames(const LogProbs& log_probs, LabellingView labelling,
                                        std::int32_t blank, const double* offsets, std::int32_t first) {
    emissions_.clear();
    std::int32_t frame = first;
    for (; frame < log_probs.frames && emissions_.size() < kMostEmissions; ++frame) {
        emissions_.push_back(log_probs.at(frame, blank) - offsets[frame]);
        const std::int32_t last = std::min(labelling.count - 1, frame);
        for (std::int32_t i = first_place(labelling.count, frame, log_probs.frames); i <= last; ++i)
            emissions_.push_back(log_probs.at(frame, labelling.labels[i]) - offsets[frame]);
    }
    exp_all(emissions_);
    return frame;
}

// In place from the last place to the first: lower places still hold the frame before.
void ScaledForward::advance(std::int32_t count, std::int32_t frame, std::int32_t first,
                            const double* emissions) {
    double* label = label_.data();
    double* blank = blank_.data();
    const double prob_blank = *emissions++;
    if (frame >= count) blank[count] = (blank[count] + label[count]) * prob_blank;
    for (std::int32_t i = std::min(count - 1, frame); i >= first; --i) {
        label[i + 1] = (label[i + 1] + blank[i] + skip_[index(i)] * label[i]) * emissions[i - first];
        blank[i] = (blank[i] + label[i]) * prob_blank;
    }
}

}  // namespace ctc

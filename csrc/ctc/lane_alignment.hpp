// peak_frames() of alignment.hpp for eight labels at a time. The sums are the same, and so are the frames.
#pragma once

#include "ctc/lane_includes.hpp"

namespace ctc {

// Keeps its memory between calls.
template <class L>
class LaneAlignment {
  public:
    std::vector<std::int32_t> peak_frames(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                          std::int32_t blank);

  private:
    using D = typename L::D;
    static constexpr double kImpossible = -std::numeric_limits<double>::infinity();

    // Where the best alignments that end in one of eight labels, or in the blank before it, came from: one
    // bit for each label.
    struct Steps {
        unsigned char from_blank;  // into the label from the blank before it
        unsigned char from_label;  // into the label from the previous label; has precedence over from_blank
        unsigned char to_blank;    // into the blank from the previous label
    };

    static double at(const LogProbs& log_probs, std::int32_t frame, std::int32_t label) {
        return possible_log(log_probs.at(frame, label));
    }
    void start(const LogProbs& log_probs, const std::vector<std::int32_t>& labels, std::int32_t blank);
    void advance(double log_blank, std::int32_t first, std::int32_t last, Steps* steps);

    // Scores of the best alignments so far. Invariants:
    // - label_[i] is for those that end in label i, blank_[i] for those that end in the blank before it.
    // - blank_[number of labels] is for the last blank; all other elements behind the labels, and label_[-1],
    //   are -inf.
    Column<double> label_, blank_;
    Column<double> emission_;  // log-probability of each label in the current frame
    Column<double> skip_;      // 0 if no blank is needed before the label, else -inf
    Column<Steps> steps_;
};

template <class L>
void LaneAlignment<L>::start(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                             std::int32_t blank) {
    const auto padded = static_cast<std::size_t>(whole_lanes(static_cast<std::int32_t>(labels.size()) + 1));
    for (Column<double>* column : {&label_, &blank_, &emission_, &skip_}) {
        column->reserve(padded);
        std::fill_n(column->data() - 1, padded + 1, kImpossible);
    }
    for (std::size_t i = 1; i < labels.size(); ++i)
        if (labels[i] != labels[i - 1]) skip_.data()[i] = 0.0;
    steps_.reserve(static_cast<std::size_t>(log_probs.frames) * padded / kLanes);
    blank_.data()[0] = at(log_probs, 0, blank);
    label_.data()[0] = at(log_probs, 0, labels[0]);
}

// Advances the groups of eight labels that overlap [first, last] by one frame. It runs downwards and in
// place: lower labels still hold the previous frame.
template <class L>
void LaneAlignment<L>::advance(double log_blank, std::int32_t first, std::int32_t last, Steps* steps) {
    const D blank_emission = L::broadcast(log_blank);
    for (std::int32_t i = last / kLanes * kLanes; i >= first / kLanes * kLanes; i -= kLanes) {
        const D label = L::load(label_.data() + i);
        const D blank = L::load(blank_.data() + i);
        const D before = L::load(label_.data() + i - 1);
        const D skipped = L::add(before, L::load(skip_.data() + i));
        const D stepped = L::max(blank, label);
        steps[i / kLanes] = {static_cast<unsigned char>(~L::at_least(label, blank)),
                             static_cast<unsigned char>(~L::at_least(stepped, skipped)),
                             static_cast<unsigned char>(~L::at_least(blank, before))};
        L::store(label_.data() + i, L::add(L::max(skipped, stepped), L::load(emission_.data() + i)));
        L::store(blank_.data() + i, L::add(L::max(before, blank), blank_emission));
    }
}

template <class L>
std::vector<std::int32_t> LaneAlignment<L>::peak_frames(const LogProbs& log_probs,
                                                        const std::vector<std::int32_t>& labels,
                                                        std::int32_t blank) {
    const auto count = static_cast<std::int32_t>(labels.size());
    if (count == 0) return {};
    start(log_probs, labels, blank);
    const std::int32_t groups = whole_lanes(count + 1) / kLanes;
    for (std::int32_t frame = 1; frame < log_probs.frames; ++frame) {
        // Labels that an alignment can have reached, and from which it can still reach the last one.
        const std::int32_t first = std::max(0, count - log_probs.frames + frame);
        const std::int32_t last = std::min(count, frame);
        const std::int32_t end = std::min(count, last / kLanes * kLanes + kLanes);
        for (std::int32_t i = first / kLanes * kLanes; i < end; ++i)
            emission_.data()[i] = at(log_probs, frame, labels[static_cast<std::size_t>(i)]);
        advance(at(log_probs, frame, blank), first, last, steps_.data() + std::ptrdiff_t{frame} * groups);
    }

    std::vector<std::int32_t> peaks(labels.size(), 0);
    bool in_label = label_.data()[count - 1] > blank_.data()[count];
    std::int32_t i = in_label ? count - 1 : count;
    double height = kImpossible;
    for (std::int32_t frame = log_probs.frames; frame-- > 0;) {
        if (in_label) {
            const double here = at(log_probs, frame, labels[static_cast<std::size_t>(i)]);
            if (here >= height) height = here, peaks[static_cast<std::size_t>(i)] = frame;
        }
        if (frame == 0) break;
        const Steps& steps = steps_.data()[std::ptrdiff_t{frame} * groups + i / kLanes];
        const unsigned place = 1U << (i % kLanes);
        const bool moves = ((in_label ? steps.from_label : steps.to_blank) & place) != 0;
        if (moves) {  // back to the previous label
            --i;
            in_label = true;
            height = kImpossible;
        } else if (in_label && (steps.from_blank & place) != 0) {
            in_label = false;
        }
    }
    return peaks;
}

}  // namespace ctc

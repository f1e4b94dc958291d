// The trellis of an alignment: the scores of its states in one frame, from those one frame earlier.
#pragma once

#include "ctc/lane_frame.hpp"
#include "ctc/lane_step_table.hpp"

namespace ctc {

// Invariants, for the current frame:
// - label_[i] is a lower bound of the scores of the alignments that end in label i, blank_[i] of those that
//   end in the blank before it. It is the best score of those alignments that no goal and no floor dropped.
// - Outside of the groups [first_, last_], at label_[-1] and from blank_[number of labels + 1] on all scores
//   are -inf.
template <class L>
class LaneTrellis {
  public:
    // A copy of the scores of a frame, from which the trellis can be computed again.
    struct Checkpoint {
        std::int32_t frame = 0;
        std::int32_t first_group = 0, last_group = -1;
        std::int32_t top = 0;
        double bound = 0.0;
        std::vector<double> scores;  // eight labels and eight blanks for each group
    };

    // Computes the scores of frame 0. Both arguments must outlive the trellis. With `bounded`, bound() is
    // kept up to date, which needs the whole of every frame.
    void start(const LogProbs& log_probs, const std::vector<std::int32_t>& labels, std::int32_t blank,
               bool bounded);

    // Advances by one frame. Drops alignments that cannot reach the goal, whose frame must not have passed.
    void advance(const AlignmentGoal& goal, StepTable<L>* steps);

    // Drops groups of alignments at either end whose scores are all below `floor`.
    void drop_below(double floor);

    Checkpoint save() const;
    // Returns to a checkpoint, without what cannot reach the goal.
    void restore(const Checkpoint& checkpoint, const AlignmentGoal& goal);

    std::int32_t frame() const { return frame_; }
    std::int32_t groups() const { return std::max(0, last_ - first_ + 1); }
    double bound() const { return bound_; }  // the sum of each frame's highest log-probability
    double best_score() const;
    AlignmentState best_end() const;
    double end_score() const { return std::max(label_.data()[count_ - 1], blank_.data()[count_]); }

  private:
    using D = typename L::D;
    static constexpr double kImpossible = -std::numeric_limits<double>::infinity();

    template <bool with_steps>
    void advance_groups(std::int32_t first, std::int32_t last, AlignmentSteps* row);
    void clear_group(std::int32_t group);
    void read_emissions(std::int32_t first, std::int32_t last);
    template <class T>
    void read_labels(std::int32_t begin, std::int32_t end);
    void read_row();

    const LogProbs* log_probs_ = nullptr;
    const std::int32_t* labels_ = nullptr;
    std::int32_t count_ = 0;  // of labels
    std::int32_t blank_class_ = 0;
    bool bounded_ = false;

    std::int32_t frame_ = 0;
    std::int32_t first_ = 0, last_ = 0;  // groups
    std::int32_t top_ = 0;               // no place above it has been reached
    double bound_ = 0.0;
    Column<double> label_, blank_;
    Column<double> emission_;  // log-probability of each label in the current frame
    double log_blank_ = kImpossible;
    Column<double> skip_;  // 0 if no blank is needed before the label, else -inf
    LaneFrame<L> row_;
};

template <class L>
void LaneTrellis<L>::start(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                           std::int32_t blank, bool bounded) {
    log_probs_ = &log_probs;
    labels_ = labels.data();
    count_ = static_cast<std::int32_t>(labels.size());
    blank_class_ = blank;
    bounded_ = bounded;
    const auto padded = static_cast<std::size_t>(whole_lanes(count_ + 1));
    for (Column<double>* column : {&label_, &blank_, &emission_, &skip_}) {
        column->reserve(padded);
        std::fill_n(column->data() - 1, padded + 1, kImpossible);
    }
    for (std::size_t i = 1; i < labels.size(); ++i)
        if (labels[i] != labels[i - 1]) skip_.data()[i] = 0.0;
    frame_ = first_ = last_ = top_ = 0;
    bound_ = 0.0;
    if (bounded) row_.start(log_probs.classes);
    read_emissions(0, 0);
    label_.data()[0] = emission_.data()[0];
    blank_.data()[0] = log_blank_;
}

template <class L>
void LaneTrellis<L>::advance(const AlignmentGoal& goal, StepTable<L>* steps) {
    ++frame_;
    const std::int32_t first = std::max(first_, goal.first_at(frame_) / kLanes);
    // Without a floor this does not depend on scores, so the processor need not wait for them.
    const std::int32_t last = std::max(first - 1, std::min(++top_, goal.last) / kLanes);
    read_emissions(first, last);
    if (steps != nullptr)
        advance_groups<true>(first, last, steps->add_row(first, last));
    else
        advance_groups<false>(first, last, nullptr);
    for (; first_ < first; ++first_) clear_group(first_);
    last_ = last;
}

// Runs downwards and in place: lower groups still hold the previous frame.
template <class L>
template <bool with_steps>
void LaneTrellis<L>::advance_groups(std::int32_t first, std::int32_t last, AlignmentSteps* row) {
    // The compiler cannot know that no store changes these.
    double* label_scores = label_.data();
    double* blank_scores = blank_.data();
    const double* emissions = emission_.data();
    const double* skips = skip_.data();
    const D blank_emission = L::broadcast(log_blank_);
    for (std::int32_t group = last; group >= first; --group) {
        const std::int32_t i = group * kLanes;
        const D label = L::load(label_scores + i);
        const D blank = L::load(blank_scores + i);
        const D before = L::load(label_scores + i - 1);
        const D skipped = L::add(before, L::load(skips + i));
        const D stepped = L::max(blank, label);
        if (with_steps)
            row[group - first] = {static_cast<unsigned char>(~L::at_least(label, blank)),
                                  static_cast<unsigned char>(~L::at_least(stepped, skipped)),
                                  static_cast<unsigned char>(~L::at_least(blank, before))};
        L::store(label_scores + i, L::add(L::max(skipped, stepped), L::load(emissions + i)));
        L::store(blank_scores + i, L::add(L::max(before, blank), blank_emission));
    }
}

template <class L>
void LaneTrellis<L>::drop_below(double floor) {
    const D limit = L::broadcast(floor);
    const auto is_below = [&](std::int32_t group) {
        const std::int32_t i = group * kLanes;
        const D scores = L::max(L::load(label_.data() + i), L::load(blank_.data() + i));
        return L::at_least(scores, limit) == 0;
    };
    while (first_ <= last_ && is_below(first_)) clear_group(first_++);
    while (first_ <= last_ && is_below(last_)) clear_group(last_--);
    const std::int32_t end = last_ * kLanes + kLanes - 1;
    top_ = std::min(top_, label_.data()[end] < floor ? end - 1 : end);
}

template <class L>
typename LaneTrellis<L>::Checkpoint LaneTrellis<L>::save() const {
    Checkpoint checkpoint{frame_, first_, last_, top_, bound_, {}};
    checkpoint.scores.reserve(static_cast<std::size_t>(2 * kLanes) * static_cast<std::size_t>(groups()));
    for (std::int32_t group = first_; group <= last_; ++group)
        for (const Column<double>* column : {&label_, &blank_})
            checkpoint.scores.insert(checkpoint.scores.end(), column->data() + group * kLanes,
                                     column->data() + group * kLanes + kLanes);
    return checkpoint;
}

template <class L>
void LaneTrellis<L>::restore(const Checkpoint& checkpoint, const AlignmentGoal& goal) {
    for (std::int32_t group = first_; group <= last_; ++group) clear_group(group);
    frame_ = checkpoint.frame;
    bound_ = checkpoint.bound;
    first_ = std::max(checkpoint.first_group, goal.first_at(frame_) / kLanes);
    last_ = std::min(checkpoint.last_group, goal.last / kLanes);
    top_ = std::min(checkpoint.top, last_ * kLanes + kLanes - 1);
    for (std::int32_t group = first_; group <= last_; ++group) {
        const double* scores = checkpoint.scores.data() + (group - checkpoint.first_group) * 2 * kLanes;
        std::copy_n(scores, kLanes, label_.data() + group * kLanes);
        std::copy_n(scores + kLanes, kLanes, blank_.data() + group * kLanes);
    }
}

template <class L>
double LaneTrellis<L>::best_score() const {
    D best = L::broadcast(kImpossible);
    for (std::int32_t i = first_ * kLanes; i <= last_ * kLanes; i += kLanes)
        best = L::max(L::max(L::load(label_.data() + i), L::load(blank_.data() + i)), best);
    return LaneMath<L>::largest(best);
}

template <class L>
AlignmentState LaneTrellis<L>::best_end() const {
    if (label_.data()[count_ - 1] > blank_.data()[count_]) return {count_ - 1, true};
    return {count_, false};
}

template <class L>
void LaneTrellis<L>::clear_group(std::int32_t group) {
    L::store(label_.data() + group * kLanes, L::broadcast(kImpossible));
    L::store(blank_.data() + group * kLanes, L::broadcast(kImpossible));
}

// Reads the blank's log-probability in the current frame, and those of the labels in the groups
// [first, last].
template <class L>
void LaneTrellis<L>::read_emissions(std::int32_t first, std::int32_t last) {
    const std::int32_t begin = first * kLanes;
    const std::int32_t end = std::min(count_, last * kLanes + kLanes);
    if (bounded_) {
        read_row();
        const double* log_prob = row_.log_prob.data();
        double* emission = emission_.data();
        for (std::int32_t i = begin; i < end; ++i) emission[i] = log_prob[labels_[i]];
        return;
    }
    log_blank_ = possible_log(log_probs_->at(frame_, blank_class_));
    if (log_probs_->dtype == Dtype::float32)
        read_labels<float>(begin, end);
    else
        read_labels<double>(begin, end);
}

// A short labelling has few of the classes, so reading them alone is faster than reading the frame.
template <class L>
template <class T>
void LaneTrellis<L>::read_labels(std::int32_t begin, std::int32_t end) {
    const unsigned char* row = log_probs_->data + frame_ * log_probs_->frame_stride;
    const std::ptrdiff_t stride = log_probs_->class_stride;
    const std::int32_t* labels = labels_;
    double* emission = emission_.data();
    for (std::int32_t i = begin; i < end; ++i)
        emission[i] =
            possible_log(static_cast<double>(*reinterpret_cast<const T*>(row + labels[i] * stride)));
}

// Reads every class of the current frame, and adds the frame to the bound.
template <class L>
void LaneTrellis<L>::read_row() {
    const bool ok = row_.read(*log_probs_, frame_, blank_class_) != Status::not_a_log_prob;
    double* log_prob = row_.log_prob.data();
    double best = row_.log_best;
    if (ok) {
        log_blank_ = possible_log(row_.log_blank);
        // -inf in place of masks. The largest double below kLowestLog stands for "below it".
        const D below = L::broadcast(std::nextafter(kLowestLog, kImpossible));
        for (std::int32_t k = 0; k < row_.classes; k += kLanes) {
            const D values = L::load(log_prob + k);
            const D mask = L::zero_unless_at_least(L::broadcast(kImpossible), below, values);
            L::store(log_prob + k, L::add(values, mask));
        }
    } else {  // another thread has written to the values since the search checked them
        log_blank_ = possible_log(log_probs_->at(frame_, blank_class_));
        best = kImpossible;
        for (std::int32_t k = 0; k < row_.classes; ++k) {
            log_prob[k] = possible_log(log_prob[k]);
            best = std::max(best, log_prob[k]);
        }
    }
    bound_ += std::max(possible_log(best), log_blank_);
}

}  // namespace ctc

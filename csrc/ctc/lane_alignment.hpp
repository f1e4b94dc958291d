// label_runs() and peak_frames() of alignment.hpp: the best alignment by the Viterbi algorithm, in memory
// linear in its length.
//
// A short alignment stores the steps into every state and follows them back. For a long one three measures
// bound memory and time; none of them changes a bit of the result:
// - Checkpoints. The scores of a few frames are stored, and the parts between them are computed again, last
//   part first, each restricted to the states from which the known state at its end can be reached.
// - A bound. The sum of each frame's highest log-probability bounds every score. With the score of any
//   alignment, it shows how far below that bound the best alignment can fall at most; what is further below
//   is dropped. Where the network is confident, a narrow band is left.
// - A first pass, which keeps only what is near the best score of a frame, finds an alignment for that.
//
// Why the result stays the same: scores are sums in the order of frames, rounding is monotonic, and dropped
// states count as -inf. So no score rises, and none on the best alignment falls, because nothing on it is
// dropped. Where the steps into a state of it are compared, the one that won before wins still.
#pragma once

#include "ctc/lane_trellis.hpp"

namespace ctc {

// Keeps its memory between calls.
template <class L>
class LaneAlignment {
  public:
    // Steps of eight places that are stored at once: 0.8 MB.
    static constexpr std::int64_t kMostSteps = std::int64_t{1} << 18;

    // Tests choose a small number, so that a short alignment is computed as a long one is.
    explicit LaneAlignment(std::int64_t most_steps = kMostSteps) : most_steps_(most_steps) {}

    std::vector<LabelRun> label_runs(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                     std::int32_t blank);
    std::vector<std::int32_t> peak_frames(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                          std::int32_t blank);

  private:
    using Checkpoint = typename LaneTrellis<L>::Checkpoint;
    static constexpr double kImpossible = -std::numeric_limits<double>::infinity();
    static constexpr double kInfinity = std::numeric_limits<double>::infinity();

    // The checkpoints of a part take 16 bytes a place each; computing it again costs 1 / kParts of the time.
    static constexpr std::int32_t kParts = 16;
    // How far below the best score of a frame the first pass looks.
    static constexpr double kReach = 50.0;

    // Frames behind a checkpoint, to the next one.
    struct Part {
        Checkpoint start;
        std::int32_t last_frame;
        std::int64_t steps;  // of eight places, that were computed
    };

    double find_allowance(const AlignmentGoal& goal, std::int64_t all_steps);
    void advance(const AlignmentGoal& goal, StepTable<L>* steps);
    std::vector<Part> split(const AlignmentGoal& goal);
    void follow(const Part& part);
    void follow_steps(const AlignmentGoal& goal);
    void visit(std::int32_t frame);

    std::int64_t most_steps_;
    const LogProbs* log_probs_ = nullptr;
    const std::vector<std::int32_t>* labels_ = nullptr;
    LaneTrellis<L> trellis_;
    StepTable<L> steps_;
    double allowance_ = kInfinity;  // how far below the bound a score may be

    // The best alignment is followed from its end to its beginning. This is the state that was reached, the
    // highest log-probability of its label so far, and the result.
    AlignmentState state_{0, false};
    double height_ = kImpossible;
    std::vector<LabelRun> runs_;
};

template <class L>
std::vector<std::int32_t> LaneAlignment<L>::peak_frames(const LogProbs& log_probs,
                                                        const std::vector<std::int32_t>& labels,
                                                        std::int32_t blank) {
    std::vector<std::int32_t> peaks;
    peaks.reserve(labels.size());
    for (const LabelRun& run : label_runs(log_probs, labels, blank)) peaks.push_back(run.peak);
    return peaks;
}

template <class L>
std::vector<LabelRun> LaneAlignment<L>::label_runs(const LogProbs& log_probs,
                                                   const std::vector<std::int32_t>& labels,
                                                   std::int32_t blank) {
    if (labels.empty()) return {};
    const auto count = static_cast<std::int32_t>(labels.size());
    const AlignmentGoal goal{log_probs.frames - 1, count - 1, count};
    const std::int64_t all_steps = std::int64_t{log_probs.frames} * (whole_lanes(count + 1) / kLanes);
    log_probs_ = &log_probs;
    labels_ = &labels;
    runs_.assign(labels.size(), {});
    allowance_ = kInfinity;
    height_ = kImpossible;
    if (all_steps <= most_steps_) {
        trellis_.start(log_probs, labels, blank, false);
        steps_.start(1);
        while (trellis_.frame() < goal.frame) trellis_.advance(goal, &steps_);
        state_ = trellis_.best_end();
        follow_steps(goal);
    } else {
        trellis_.start(log_probs, labels, blank, true);
        allowance_ = find_allowance(goal, all_steps);
        trellis_.start(log_probs, labels, blank, true);
        const std::vector<Part> parts = split(goal);
        state_ = trellis_.best_end();
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) follow(*part);
    }
    visit(0);
    return std::move(runs_);
}

// Returns how far below the bound the best alignment's score can be at most; infinity if no alignment was
// found cheaply.
template <class L>
double LaneAlignment<L>::find_allowance(const AlignmentGoal& goal, std::int64_t all_steps) {
    std::int64_t left = all_steps / 8;
    while (trellis_.frame() < goal.frame) {
        trellis_.advance(goal, nullptr);
        left -= trellis_.groups();
        // Where many states are alike, a pass that keeps them all would cost as much as it saves.
        if (left < 0) return kInfinity;
        trellis_.drop_below(trellis_.best_score() - kReach);
    }
    const double score = trellis_.end_score();
    if (!(score > kImpossible)) return kInfinity;
    // Each of the `frames` sums rounds by at most 2^-53 of the largest, in the bound and in the score. The
    // factor covers that four times over, and sums that rose above 0 by kHighestLog in every frame.
    const double frames = goal.frame + 1.0;
    const double largest = 1.0 + 2.0 * kHighestLog * frames - score;
    return trellis_.bound() - score + std::ldexp(frames * largest, -50);
}

template <class L>
void LaneAlignment<L>::advance(const AlignmentGoal& goal, StepTable<L>* steps) {
    trellis_.advance(goal, steps);
    if (allowance_ < kInfinity) trellis_.drop_below(trellis_.bound() - allowance_);
}

// Advances to the goal's frame and returns the parts on the way.
template <class L>
std::vector<typename LaneAlignment<L>::Part> LaneAlignment<L>::split(const AlignmentGoal& goal) {
    const std::int32_t begin = trellis_.frame();
    const std::int64_t frames = goal.frame - begin;
    std::vector<Part> parts;
    for (std::int32_t n = 1; n <= kParts; ++n) {
        const std::int32_t last = begin + static_cast<std::int32_t>(frames * n / kParts);
        if (last == trellis_.frame()) continue;
        parts.push_back({trellis_.save(), last, 0});
        while (trellis_.frame() < last) {
            advance(goal, nullptr);
            parts.back().steps += trellis_.groups();
        }
    }
    return parts;
}

// Follows the best alignment from state_, at the last frame of `part`, to the frame of its checkpoint.
template <class L>
void LaneAlignment<L>::follow(const Part& part) {
    const AlignmentGoal goal{part.last_frame, state_.place, state_.place};
    trellis_.restore(part.start, goal);
    if (part.steps <= most_steps_ || part.last_frame - part.start.frame == 1) {
        steps_.start(part.start.frame + 1);
        while (trellis_.frame() < goal.frame) advance(goal, &steps_);
        follow_steps(goal);
    } else {
        const std::vector<Part> parts = split(goal);
        for (auto inner = parts.rbegin(); inner != parts.rend(); ++inner) follow(*inner);
    }
}

// Follows the best alignment through the frames whose steps are stored.
template <class L>
void LaneAlignment<L>::follow_steps(const AlignmentGoal& goal) {
    for (std::int32_t frame = goal.frame; frame >= steps_.first_frame(); --frame) {
        visit(frame);
        const AlignmentState before = steps_.previous(frame, state_);
        if (before.place != state_.place) height_ = kImpossible;
        state_ = before;
    }
}

// Adds `frame` to the run of the label that the alignment is in, as its peak unless a later one was higher.
template <class L>
void LaneAlignment<L>::visit(std::int32_t frame) {
    if (!state_.in_label) return;
    const auto place = static_cast<std::size_t>(state_.place);
    const double here = possible_log(log_probs_->at(frame, (*labels_)[place]));
    LabelRun& run = runs_[place];
    if (run.end == 0) run.end = frame + 1;  // the last frame is visited first
    run.start = frame;
    if (here >= height_) height_ = here, run.peak = frame;
}

}  // namespace ctc

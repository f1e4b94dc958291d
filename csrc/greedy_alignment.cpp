#include "ctc/greedy_alignment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ctc/prob.hpp"

namespace ctc {

bool GreedyAlignment::find_peaks(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                                 std::vector<std::int32_t>& peaks) const {
    constexpr double kImpossible = -std::numeric_limits<double>::infinity();
    if (frames_.size() != static_cast<std::size_t>(log_probs.frames)) return false;
    peaks.resize(labels.size());
    std::size_t reached = 0;      // labels
    bool in_label = false;        // in the last of them, in the frame before
    double height = kImpossible;  // the log-probability at its peak so far
    double score = 0.0;
    double least_loss = std::numeric_limits<double>::infinity();
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        const Frame& best = frames_[static_cast<std::size_t>(frame)];
        score += std::max(best.log_label, best.log_blank);
        least_loss = std::min(least_loss, std::abs(best.log_label - best.log_blank));
        if (best.log_blank > best.log_label) {
            in_label = false;
            continue;
        }
        // The two labels that an alignment can be in; a doubled one needs a blank between.
        const bool can_advance =
            reached < labels.size() && !(in_label && labels[reached] == labels[reached - 1]);
        const double same = in_label ? log_probs.at(frame, labels[reached - 1]) : kImpossible;
        const double next = can_advance ? log_probs.at(frame, labels[reached]) : kImpossible;
        least_loss = std::min(least_loss, std::abs(same - next));
        if (next == best.log_label) {
            peaks[reached++] = frame;
            in_label = true;
            height = next;
        } else if (same == best.log_label) {
            if (same > height) height = same, peaks[reached - 1] = frame;
        } else {
            return false;
        }
    }
    // Each of the sums of two alignments rounds by at most 2^-53 of the largest in each frame. The factor
    // covers that four times over, and sums that rose above 0 by kHighestLog in every frame.
    const double frames = log_probs.frames;
    const double largest = 1.0 + 2.0 * kHighestLog * frames - score;
    return reached == labels.size() && least_loss > std::ldexp(frames * largest, -50);
}

}  // namespace ctc

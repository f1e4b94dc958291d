// peak_frames() of alignment.hpp as plainly as possible, to test the others against: the forward recursion of
// Graves et al. 2006, section 4.1, with the maximum in place of the sum, and a table of every step.
#pragma once

#include <algorithm>
#include <limits>

#include "ctc/alignment.hpp"

namespace ctc {

inline std::vector<std::int32_t> plain_peak_frames(const LogProbs& log_probs,
                                                   const std::vector<std::int32_t>& labels,
                                                   std::int32_t blank) {
    constexpr double kImpossible = -std::numeric_limits<double>::infinity();
    if (labels.empty()) return {};
    const std::size_t states = 2 * labels.size() + 1;
    const auto frames = static_cast<std::size_t>(log_probs.frames);
    const auto may_skip_blank = [&](std::size_t state) {  // directly from the previous label
        return state % 2 == 1 && state >= 3 && labels[state / 2] != labels[state / 2 - 1];
    };

    // steps[frame * states + state]: how many states before `state` the best alignment was one frame earlier.
    std::vector<unsigned char> steps(frames * states, 0);
    std::vector<double> best(states, kImpossible);
    best[0] = possible_log(log_probs.at(0, blank));
    best[1] = possible_log(log_probs.at(0, labels[0]));
    for (std::size_t frame = 1; frame < frames; ++frame) {
        const auto t = static_cast<std::int32_t>(frame);
        const double log_blank = possible_log(log_probs.at(t, blank));
        for (std::size_t state = states;
             state-- > 0;) {  // downwards: lower states still hold the previous frame
            double score = best[state];
            unsigned char step = 0;
            if (state >= 1 && best[state - 1] > score) score = best[state - 1], step = 1;
            if (may_skip_blank(state) && best[state - 2] > score) score = best[state - 2], step = 2;
            best[state] =
                score + (state % 2 == 0 ? log_blank : possible_log(log_probs.at(t, labels[state / 2])));
            steps[frame * states + state] = step;
        }
    }

    std::vector<std::int32_t> peaks(labels.size(), 0);
    std::vector<double> heights(labels.size(), kImpossible);
    std::size_t state = best[states - 2] > best[states - 1] ? states - 2 : states - 1;
    for (std::size_t frame = frames; frame-- > 0;) {
        if (state % 2 == 1) {
            const std::size_t place = state / 2;
            const auto t = static_cast<std::int32_t>(frame);
            const double height = possible_log(log_probs.at(t, labels[place]));
            if (height >= heights[place]) heights[place] = height, peaks[place] = t;
        }
        state -= std::min<std::size_t>(steps[frame * states + state], state);
    }
    return peaks;
}

}  // namespace ctc

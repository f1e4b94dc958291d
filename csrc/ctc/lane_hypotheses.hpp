// The end of a search in lanes: the best labellings as hypotheses.
#pragma once

#include "ctc/lane_beam.hpp"
#include "ctc/lane_math.hpp"
#include "ctc/lane_peak_frames.hpp"

namespace ctc {

// Writes the `n_best` best of `ranked`, best first; fewer if there are fewer. Changes `ranked`, which has
// nodes of beam.tree and totals relative to beam.exponent. all_frames is null if no frames are wanted.
template <class L>
void write_ranked(const LaneBeam<L>& beam, std::vector<RankedLabelling>& ranked, std::int32_t n_best,
                  const LogProbs* all_frames, std::int32_t blank, PeakFrames<L>& peaks,
                  std::vector<Hypothesis>& hypotheses) {
    const std::size_t count = std::min(ranked.size(), static_cast<std::size_t>(n_best));
    hypotheses.resize(count);
    if (count == 0) return;
    const auto last = ranked.begin() + static_cast<std::ptrdiff_t>(count - 1);
    if (count == 1)  // in less time than nth_element() takes
        std::iter_swap(last, std::min_element(ranked.begin(), ranked.end(), Higher{}));
    else
        std::nth_element(ranked.begin(), last, ranked.end(), Higher{});
    // What ties with the last one that is asked for has to be ranked with it.
    const double least = last->total * LaneMath<L>::kSlack;
    ranked.erase(
        std::partition(last, ranked.end(), [&](const RankedLabelling& r) { return r.total >= least; }),
        ranked.end());
    rank(beam.tree, ranked, count);
    for (std::size_t i = 0; i < count; ++i) {
        Hypothesis& hypothesis = hypotheses[i];
        hypothesis.labels = beam.tree.labels(ranked[i].labelling.node);
        if (all_frames != nullptr) hypothesis.frames = peaks.of(*all_frames, hypothesis.labels, blank);
        const std::int64_t exponent = exponent_of(ranked[i].total);
        const double mantissa = double_of(bits_of(ranked[i].total) - exponent * (std::int64_t{1} << 52));
        hypothesis.log_prob = log_of({mantissa, exponent + beam.exponent});
    }
}

}  // namespace ctc

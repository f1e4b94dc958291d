// Step 3 of a frame: the beam_width best candidates.
#pragma once

#include "ctc/lane_candidates.hpp"
#include "ctc/lane_math.hpp"

namespace ctc {

// The best are found by bisection on the bits of the doubles, which counts eight at a time and sorts nothing.
// Candidates are sorted only where some tie with the last one that is kept.
template <class L>
class SelectStep {
  public:
    struct Output {
        const unsigned char* keep;  // a bit for each candidate; belongs to the step
        double largest;             // total of all candidates
        double smallest_kept;       // total of those kept
    };

    // Selects the `beam_width` best candidates, of ties the first in lexicographic order; all if there are
    // fewer. Candidates below `floor` are not kept: at least beam_width others must reach it, or every
    // candidate that counts.
    Output run(const LaneBeam<L>& beam, LaneCandidates<L>& candidates, double floor, std::int32_t beam_width);

  private:
    using D = typename L::D;
    static constexpr double kInfinity = LaneMath<L>::kInfinity;
    static constexpr double kSlack = LaneMath<L>::kSlack;

    static constexpr std::int64_t kTieBits = 1 << 13;  // 2e-12 of any double: more than a tie
    static constexpr int kSnapRounds = 12;
    static constexpr std::int32_t kFirstStep = 1 << 19;  // in upper halves: about half of the value
    static constexpr std::int32_t kLastStep = 1 << 28;

    // The total from which candidates are kept. If `ambiguous`, the last place lies within a group of ties
    // that begins at or just above `total`.
    struct Cut {
        double total;
        bool ambiguous;
    };
    static Cut find_cut(LaneCandidates<L>& candidates, std::int32_t count, double floor, double largest,
                        std::int32_t beam_width);

    double keep_ranked(const LaneBeam<L>& beam, const LaneCandidates<L>& candidates, double cut,
                       std::int32_t beam_width);

    Column<unsigned char> keep_;
    std::vector<RankedLabelling> ranked_;  // only what ties
};

template <class L>
typename SelectStep<L>::Cut SelectStep<L>::find_cut(LaneCandidates<L>& candidates, std::int32_t count,
                                                    double floor, double largest, std::int32_t beam_width) {
    const double* total = candidates.total.data();
    if (L::count(total, count, floor) <= beam_width) return {floor, false};
    // The bits of positive doubles are in the order of their values. First their upper halves: the cut is
    // seldom far above the floor.
    const std::int32_t padded = candidates.write_halves(count);
    std::int32_t low_half = upper_half(floor);
    std::int32_t high_half = upper_half(largest) + 1;
    for (std::int32_t step = kFirstStep; high_half - low_half > 1;
         step = step < kLastStep ? 2 * step : step) {
        const std::int32_t middle = low_half + std::min(step, (high_half - low_half) / 2);
        const std::int32_t above = L::count_halves(candidates.halves.data(), padded, middle);
        if (above == beam_width) return {from_upper_half(middle), false};
        low_half = above > beam_width ? middle : low_half;
        high_half = above > beam_width ? high_half : middle;
    }
    std::int64_t low = std::max(bits_of(floor), std::int64_t{low_half} << 32);
    std::int64_t high = std::int64_t{high_half} << 32;
    for (int round = 1;; ++round) {
        if (round % kSnapRounds == 0) {
            // Many totals are alike: shrink the interval to the values that lie in it.
            D first = L::broadcast(kInfinity);
            D last = L::broadcast(0.0);
            const D from = L::broadcast(double_of(low));
            const D to = L::broadcast(double_of(high));
            for (std::int32_t i = 0; i < count; i += kLanes) {
                const D values = L::load(total + i);
                D ignored = values;
                L::split(values, from, first, ignored);
                L::split(values, to, ignored, last);
            }
            low = bits_of(LaneMath<L>::smallest(first));
            high = bits_of(LaneMath<L>::largest(last)) + 1;
        }
        if (high - low <= kTieBits) return {double_of(low), true};
        const std::int64_t middle = low + (high - low) / 2;
        const std::int32_t above = L::count(total, count, double_of(middle));
        if (above == beam_width) return {double_of(middle), false};
        low = above > beam_width ? middle : low;
        high = above > beam_width ? high : middle;
    }
}

template <class L>
typename SelectStep<L>::Output SelectStep<L>::run(const LaneBeam<L>& beam, LaneCandidates<L>& candidates,
                                                  double floor, std::int32_t beam_width) {
    double* total = candidates.total.data();
    L::store(total + candidates.count, L::broadcast(0.0));
    const std::int32_t count = whole_lanes(candidates.count);
    keep_.reserve(static_cast<std::size_t>(count / kLanes + kLanes));
    const double largest = LaneMath<L>::largest(total, count);

    const Cut cut = find_cut(candidates, count, floor, largest, beam_width);
    if (cut.ambiguous) return {keep_.data(), largest, keep_ranked(beam, candidates, cut.total, beam_width)};
    D least_kept = L::broadcast(kInfinity);
    D most_dropped = L::broadcast(0.0);
    const D limit = L::broadcast(cut.total);
    unsigned char* keep = keep_.data();
    for (std::int32_t i = 0; i < count; i += kLanes)
        keep[i / kLanes] =
            static_cast<unsigned char>(L::split(L::load(total + i), limit, least_kept, most_dropped));
    double smallest_kept = LaneMath<L>::smallest(least_kept);
    // A dropped candidate may tie with a kept one and precede it in lexicographic order.
    if (LaneMath<L>::largest(most_dropped) >= smallest_kept * kSlack)
        smallest_kept = keep_ranked(beam, candidates, smallest_kept, beam_width);
    return {keep, largest, smallest_kept};
}

// Sets keep_ where candidates tie with the last one that is kept, whose total is at least `cut` and next to
// it. Returns the smallest total kept.
template <class L>
double SelectStep<L>::keep_ranked(const LaneBeam<L>& beam, const LaneCandidates<L>& candidates, double cut,
                                  std::int32_t beam_width) {
    const double* totals = candidates.total.data();
    const std::int32_t count = candidates.count;
    // Only the candidates next to the cut are ranked, unless a better one ties with them.
    const double low = std::max(cut * kSlack, LaneMath<L>::kSmallestTotal);
    double high = cut / kSlack;
    auto places = static_cast<std::size_t>(beam_width);
    double least_above = kInfinity;
    double most = 0.0;
    std::size_t above = 0;
    for (std::int32_t i = 0; i < count; ++i) {
        const double total = totals[i];
        if (total > high) {
            least_above = std::min(least_above, total);
            ++above;
        } else {
            most = std::max(most, total);
        }
    }
    if (above >= places || most >= least_above * kSlack) {
        high = kInfinity;
        above = 0;
    }
    places -= above;

    std::memset(keep_.data(), 0, static_cast<std::size_t>(whole_lanes(count) / kLanes));
    ranked_.resize(static_cast<std::size_t>(count));
    std::size_t num_ranked = 0;
    double least = kInfinity;
    for (std::int32_t i = 0; i < count; ++i) {
        const double total = totals[i];
        if (total < low) continue;
        if (total > high) {
            set_bit(keep_.data(), i);
            continue;
        }
        least = std::min(least, total);
        const bool stays = i < candidates.stays;
        const std::uint64_t id = candidates.id.data()[i];
        // Written field by field: copying a whole struct right after writing its parts stalls on them.
        RankedLabelling& ranked = ranked_[num_ranked++];
        ranked.total = total;
        ranked.labelling.node = beam.node.data()[stays ? i : LaneCandidates<L>::row_of(id)];
        ranked.labelling.extra = stays ? PrefixTree::kNone : LaneCandidates<L>::label_of(id);
        ranked.candidate = static_cast<std::uint32_t>(i);
    }
    ranked_.resize(num_ranked);
    places = std::min(places, ranked_.size());
    const auto end = ranked_.begin() + static_cast<std::ptrdiff_t>(places);
    if (high < kInfinity && most - least < kTie * most)  // one group of ties
        std::nth_element(ranked_.begin(), end, ranked_.end(),
                         [&](const RankedLabelling& a, const RankedLabelling& b) {
                             return beam.tree.precedes(a.labelling, b.labelling);
                         });
    else
        rank(beam.tree, ranked_, places);
    double smallest_kept = kInfinity;
    for (auto kept = ranked_.begin(); kept != end; ++kept) {
        set_bit(keep_.data(), static_cast<std::int32_t>(kept->candidate));
        smallest_kept = std::min(smallest_kept, kept->total);
    }
    return smallest_kept;
}

}  // namespace ctc

// Step 2 of a frame, the part of all searches: a lower bound on what will be kept, and the classes that can
// reach it.
#pragma once

#include "ctc/lane_stay_step.hpp"

namespace ctc {

// The classes of a frame that can extend some row, with their probabilities scaled as those of the rows.
// Behind the last one, to the end of that register, prob is 0.
template <class L>
struct LaneSymbols {
    std::int32_t count = 0;
    Column<std::uint64_t> label;
    Column<double> log_prob, prob;

    void reserve(std::int32_t classes) {
        const auto padded = static_cast<std::size_t>(whole_lanes(classes + 1));
        label.reserve(padded);
        log_prob.reserve(padded);
        prob.reserve(padded);
    }
};

template <class L>
class ExtendStep {
  public:
    using Stayed = typename StayStep<L>::Output;

    // Returns a total that at least `beam_width` candidates reach, or 0 if fewer are known. The candidates
    // hold the unchanged labellings; what lies behind them is overwritten.
    //
    // The bound comes from distinct labellings that are quick to compute: the unchanged ones, and each row
    // extended by the frame's most probable class. It is not exact: a lower one costs a few more candidates,
    // an exact one would cost more rounds of bisection.
    static double floor_of_kept(const LaneBeam<L>& beam, const LaneFrame<L>& frame, const Stayed& stayed,
                                std::int32_t beam_width, LaneCandidates<L>& candidates);

    // The part of floor_of_kept() that looks at totals: the first `count`, a multiple of eight. `known` is a
    // total that so many reach, or 0.
    static double beam_width_th(LaneCandidates<L>& candidates, std::int32_t count, double known,
                                std::int32_t beam_width);

    // The least of the unchanged labellings where they alone fill the beam, else 0.
    static double least_of_full(const double* total, std::int32_t stays, std::int32_t beam_width);

    // Writes the classes that can lift a row with the total `largest` to `floor` or above.
    static void collect_symbols(double largest, const LaneFrame<L>& frame, std::int64_t exponent,
                                double floor, LaneSymbols<L>& symbols);

    // The least log-probability with which a class can lift a row with the total `largest` to `floor`.
    static double least_log_prob(double largest, std::int64_t exponent, double floor) {
        if (!(floor > 0.0)) return kLowestLog;
        const double scaled = largest * double_of((1023 - exponent) << 52);
        return std::max(kLowestLog, log_lower_bound(floor / scaled) - 1e-6);
    }

  private:
    using D = typename L::D;
    static constexpr double kInfinity = LaneMath<L>::kInfinity;
    static constexpr double kSmallestTotal = LaneMath<L>::kSmallestTotal;

    static constexpr int kFloorRounds = 8;                             // of bisection, at most
    static constexpr std::int32_t kFloorBits = std::int32_t{1} << 14;  // 1.6 %, at which it stops
};

template <class L>
double ExtendStep<L>::floor_of_kept(const LaneBeam<L>& beam, const LaneFrame<L>& frame, const Stayed& stayed,
                                    std::int32_t beam_width, LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    if (2 * stays < beam_width) return 0.0;
    double* total = candidates.total.data();
    double* extended = total + stays;
    const D best = L::broadcast(stayed.prob_best);
    for (std::int32_t row = 0; row < stays; row += kLanes)
        L::store(extended + row, L::mul(L::load(beam.total.data() + row), best));
    // Corrections where a row ends in the class, or where its extension is in the beam.
    const std::int32_t label = frame.best_label();
    for (std::int32_t first = 0; first < stays; first += 64) {
        std::uint64_t ends_in_label = 0;
        for (std::int32_t row = first; row < std::min(stays, first + 64); row += kLanes)
            ends_in_label |= std::uint64_t{L::at_least(L::load(stayed.prob_last + row), best)}
                             << (row - first);
        if (beam.rows - first < 64) ends_in_label &= (std::uint64_t{1} << (beam.rows - first)) - 1;
        for (std::uint64_t bits = ends_in_label; bits != 0; bits &= bits - 1) {
            const std::int32_t row = first + lowest_bit(bits);
            if (beam.last.data()[row] != label) continue;  // another class is as probable
            extended[row] = std::min(extended[row], beam.blank.data()[row] * stayed.prob_best);
            const std::int32_t parent = beam.parent.data()[row];
            extended[parent >= 0 ? parent : stays] = 0.0;  // behind the last one, without a branch
        }
    }
    return beam_width_th(candidates, 2 * stays, stayed.normal == beam_width ? stayed.least : 0.0, beam_width);
}

template <class L>
double ExtendStep<L>::beam_width_th(LaneCandidates<L>& candidates, std::int32_t count, double known,
                                    std::int32_t beam_width) {
    const std::int32_t padded = candidates.write_halves(count);
    const std::int32_t* halves = candidates.halves.data();
    // The bits of positive doubles are in the order of their values, so bisection works on integers.
    std::int32_t low = upper_half(kSmallestTotal) + 1;
    std::int32_t high = upper_half(LaneMath<L>::largest(candidates.total.data(), count)) + 1;
    if (known > from_upper_half(low))
        low = upper_half(known);
    else if (high <= low || L::count_halves(halves, padded, low) < beam_width)
        return 0.0;
    for (int round = 0; round < kFloorRounds && high - low > kFloorBits; ++round) {
        const std::int32_t middle = low + (high - low) / 2;
        const std::int32_t reached = L::count_halves(halves, padded, middle);
        low = reached >= beam_width ? middle : low;
        high = reached >= beam_width ? high : middle;
        if (reached >= beam_width && reached <= beam_width + 2) break;
    }
    return from_upper_half(low) * LaneMath<L>::kSlack;
}

template <class L>
double ExtendStep<L>::least_of_full(const double* total, std::int32_t stays, std::int32_t beam_width) {
    D least = L::broadcast(kInfinity);
    std::int32_t normal = 0;
    for (std::int32_t i = 0; i < stays; i += kLanes) {
        const D values = L::load(total + i);
        D ignored = values;
        normal += L::popcount(L::split(values, L::broadcast(kSmallestTotal), least, ignored));
    }
    return normal == beam_width ? LaneMath<L>::smallest(least) : 0.0;
}

template <class L>
void ExtendStep<L>::collect_symbols(double largest, const LaneFrame<L>& frame, std::int64_t exponent,
                                    double floor, LaneSymbols<L>& symbols) {
    const D limit = L::broadcast(least_log_prob(largest, exponent, floor));
    const double* log_prob = frame.log_prob.data();
    double* symbol_log_prob = symbols.log_prob.data();
    std::uint64_t* symbol_label = symbols.label.data();
    std::int32_t count = 0;
    for (std::int32_t label = 0; label < frame.classes; label += kLanes) {
        const D values = L::load(log_prob + label);
        const unsigned mask = L::at_least(values, limit);
        // Where compress takes no branch, this one would take longer.
        if (!L::kCompresses && mask == 0) continue;
        L::compress(symbol_log_prob + count, values, mask);
        L::compress_indices(symbol_label + count, static_cast<std::uint64_t>(label), mask);
        count += L::popcount(mask);
    }
    symbols.count = count;
    LaneMath<L>::exp_all(symbol_log_prob, symbols.prob.data(), count, exponent);
    L::store(symbols.prob.data() + count, L::broadcast(0.0));
}

}  // namespace ctc

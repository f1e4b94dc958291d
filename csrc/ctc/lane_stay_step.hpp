// Step 1 of a frame: every labelling of the beam, unchanged, with its probability one frame later.
#pragma once

#include "ctc/lane_few_rows.hpp"
#include "ctc/lane_frame.hpp"

namespace ctc {

// Every sum over alignments that falls below this, relative to a best labelling in [1, 2), counts as lost;
// see lane_losses.hpp.
constexpr double kUnderflow = 1e-200;

template <class L>
class StayStep {
  public:
    struct Output {
        double prob_blank;          // of the frame, times 2^-exponent, as the other probabilities
        double prob_best;           // of the frame's most probable class without the blank
        const double* prob_last;    // by row: of the last label; belongs to the step
        const double* from_parent;  // by row: what the last label extends of the parent's probability
        bool underflow;             // whether a positive sum fell below kUnderflow
        double largest;             // of the new totals
        double least;               // of the new totals that are at least kSmallestTotal
        std::int32_t normal;        // the number of those
    };

    // Prepares for a sequence. Keeps the memory.
    void start(std::size_t rows) {
        reserve(rows);
        from_parent_.fill_zero();
    }

    // Writes the unchanged labellings to `candidates`. Probabilities are scaled by 2^-exponent.
    Output run(const LaneBeam<L>& beam, const LaneFrame<L>& frame, std::int64_t exponent,
               LaneCandidates<L>& candidates) {
        return advance<false, false>(beam, frame, exponent, candidates, nullptr);
    }

    // The same where the beam may have had more rows before, and where each row's last label has a weight;
    // null: all are 1.
    Output run_guided(const LaneBeam<L>& beam, const LaneFrame<L>& frame, std::int64_t exponent,
                      LaneCandidates<L>& candidates, const double* weights) {
        return weights == nullptr ? advance<false, true>(beam, frame, exponent, candidates, nullptr)
                                  : advance<true, true>(beam, frame, exponent, candidates, weights);
    }

  private:
    using D = typename L::D;

    template <bool weighted, bool may_shrink>
    Output advance(const LaneBeam<L>& beam, const LaneFrame<L>& frame, std::int64_t exponent,
                   LaneCandidates<L>& candidates, const double* weights);
    static void look_up(const LaneBeam<L>& beam, const LaneFrame<L>& frame, double* logs,
                        double* from_parent);

    void reserve(std::size_t rows) {
        if (rows <= from_parent_.capacity()) return;
        from_parent_.reserve(rows);
        logs_.reserve(rows + kLanes);
        probs_.reserve(rows + kLanes);
    }

    // By row: the part of the parent's probability that the last label extends; from the number of rows to
    // the end of that register 0.
    Column<double> from_parent_;
    // By row: the log-probability and probability of the last label; behind the last row those of the blank
    // and of the best class, so that one pass takes the exponential of all.
    Column<double> logs_, probs_;
};

template <class L>
template <bool weighted, bool may_shrink>
typename StayStep<L>::Output StayStep<L>::advance(const LaneBeam<L>& beam, const LaneFrame<L>& frame,
                                                  std::int64_t exponent, LaneCandidates<L>& candidates,
                                                  [[maybe_unused]] const double* weights) {
    reserve(beam.capacity());
    const std::int32_t stays = whole_lanes(beam.rows);
    double* logs = logs_.data();
    double* from_parent = from_parent_.data();
    if (beam.rows <= L::kFewRows && frame.classes < LaneFrame<L>::kFewClasses) {
        if constexpr (L::kFewRows > 0)
            FewRows<L>::look_up(beam, frame.log_prob.data(), frame.log_blank, frame.log_best, logs,
                                from_parent);
    } else {
        look_up(beam, frame, logs, from_parent);
    }
    if constexpr (weighted)
        for (std::int32_t row = 0; row < stays; row += kLanes)
            L::store(from_parent + row, L::mul(L::load(from_parent + row), L::load(weights + row)));
    if constexpr (may_shrink) std::fill(from_parent + beam.rows, from_parent + stays, 0.0);
    double* probs = probs_.data();
    LaneMath<L>::exp_all(logs, probs, beam.rows + 2, exponent);
    const double prob_blank = probs[beam.rows];
    const double prob_best = probs[beam.rows + 1];

    const D blank = L::broadcast(prob_blank);
    const D lost = L::broadcast(kUnderflow);
    const D zero = L::broadcast(0.0);
    const D smallest = L::broadcast(LaneMath<L>::kSmallestTotal);
    unsigned underflow = 0;
    D most = zero;
    D least = L::broadcast(LaneMath<L>::kInfinity);
    D ignored = zero;
    std::int32_t normal = 0;
    const double* label_column = beam.label.data();
    const double* total_column = beam.total.data();
    double* new_label_column = candidates.label.data();
    double* new_blank_column = candidates.blank.data();
    double* new_total_column = candidates.total.data();
    for (std::int32_t row = 0; row < stays; row += kLanes) {
        const D sources = L::add(L::load(label_column + row), L::load(from_parent + row));
        const D total = L::load(total_column + row);
        const D new_label = L::mul(sources, L::load(probs + row));
        const D new_blank = L::mul(total, blank);
        underflow |= ~L::at_least(new_label, lost) & ~L::at_least(zero, sources);
        underflow |= ~L::at_least(new_blank, lost) & ~L::at_least(zero, total);
        L::store(new_label_column + row, new_label);
        L::store(new_blank_column + row, new_blank);
        const D new_total = L::add(new_label, new_blank);
        L::store(new_total_column + row, new_total);
        most = L::max(new_total, most);
        normal += L::popcount(L::split(new_total, smallest, least, ignored));
    }
    candidates.stays = stays;
    candidates.count = stays;
    return {prob_blank,
            prob_best,
            probs,
            from_parent,
            (underflow & 0xff) != 0,
            LaneMath<L>::largest(most),
            LaneMath<L>::smallest(least),
            normal};
}

// Writes the logs of the last labels, behind them those of the blank and of the best class, and what the last
// label extends of the parents' probabilities.
template <class L>
void StayStep<L>::look_up(const LaneBeam<L>& beam, const LaneFrame<L>& frame, double* logs,
                          double* from_parent) {
    const std::int32_t* last = beam.last.data();
    const std::int32_t* parent = beam.parent.data();
    const unsigned char* repeats = beam.repeats.data();
    // A parent that ends in the same label contributes only its alignments that end in blank: without a blank
    // between, the two labels would collapse into one. Row kNone (-1) contributes 0.
    const double* contributions[2] = {beam.total.data(), beam.blank.data()};
    const double* log_prob = frame.log_prob.data();
    for (std::int32_t row = 0; row < beam.rows; ++row) {
        logs[row] = log_prob[last[row]];
        from_parent[row] = contributions[repeats[row]][parent[row]];
    }
    // In the register of the last rows if it has room: there 0 is multiplied by them.
    logs[beam.rows] = frame.log_blank;
    logs[beam.rows + 1] = frame.log_best;
}

}  // namespace ctc

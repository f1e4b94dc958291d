// Step 1 of a frame: every labelling of the beam, unchanged, with its probability one frame later.
#pragma once

#include "ctc/lane_candidates.hpp"
#include "ctc/lane_frame.hpp"

namespace ctc {

// The rows of the beam by their last label, as linked lists.
// Invariant: for each label, first[label] is a row with that last label or kNone, next[row] the one after it.
template <class L>
struct RowsByLastLabel {
    Column<std::int32_t> first;  // by label, the number of classes included
    Column<std::int32_t> next;   // by row

    void start(std::int32_t classes) {
        const auto padded = static_cast<std::size_t>(whole_lanes(classes + 1));
        first.reserve(padded);
        std::fill_n(first.data(), padded, PrefixArena::kNone);
    }

    // Removes all rows. Touches the labels of the beam alone: there can be far more classes than rows.
    void clear(const LaneBeam<L>& beam) {
        for (std::int32_t row = 0; row < beam.rows; ++row)
            first.data()[beam.last.data()[row]] = PrefixArena::kNone;
    }
};

// Every sum over alignments that falls below this, relative to a best labelling in [1, 2), counts as lost;
// see lane_search.hpp.
constexpr double kUnderflow = 1e-200;

template <class L>
class StayStep {
  public:
    struct Output {
        double prob_blank;  // of the frame, times 2^-exponent, as the other probabilities
        double prob_best;   // of the frame's most probable class without the blank
        bool underflow;     // whether a positive sum fell below kUnderflow
    };

    // Prepares for a sequence. Keeps the memory.
    void start(std::size_t rows) {
        reserve(rows);
        from_parent_.fill_zero();
    }

    // Writes the unchanged labellings to `candidates` and files the rows in `by_last`, which must be empty.
    // Probabilities are scaled by 2^-exponent.
    Output run(const LaneBeam<L>& beam, const LaneFrame<L>& frame, std::int64_t exponent,
               LaneCandidates<L>& candidates, RowsByLastLabel<L>& by_last) {
        return advance<false>(beam, frame, exponent, candidates, by_last, nullptr);
    }

    // The same where each row's last label has a weight, and where the beam may have had more rows before.
    Output run_weighted(const LaneBeam<L>& beam, const LaneFrame<L>& frame, std::int64_t exponent,
                        LaneCandidates<L>& candidates, RowsByLastLabel<L>& by_last, const double* weights) {
        return advance<true>(beam, frame, exponent, candidates, by_last, weights);
    }

  private:
    using D = typename L::D;

    template <bool weighted>
    Output advance(const LaneBeam<L>& beam, const LaneFrame<L>& frame, std::int64_t exponent,
                   LaneCandidates<L>& candidates, RowsByLastLabel<L>& by_last, const double* weights);

    void reserve(std::size_t rows) {
        if (rows <= from_parent_.capacity()) return;
        from_parent_.reserve(rows);
        logs_.reserve(rows + kLanes);
        probs_.reserve(rows + kLanes);
    }

    // By row: the part of the parent's probability that the last label extends; from the number of rows to
    // the end of that register 0.
    Column<double> from_parent_;
    // By row: the log-probability and probability of the last label; then those of the blank and of the best
    // class, so that one pass takes the exponential of all.
    Column<double> logs_, probs_;
};

template <class L>
template <bool weighted>
typename StayStep<L>::Output StayStep<L>::advance(const LaneBeam<L>& beam, const LaneFrame<L>& frame,
                                                  std::int64_t exponent, LaneCandidates<L>& candidates,
                                                  RowsByLastLabel<L>& by_last,
                                                  [[maybe_unused]] const double* weights) {
    reserve(beam.capacity());
    by_last.next.reserve(beam.capacity());
    const std::int32_t stays = whole_lanes(beam.rows);
    double* logs = logs_.data();
    double* from_parent = from_parent_.data();
    {
        const std::int32_t* last = beam.last.data();
        const std::int32_t* parent = beam.parent.data();
        const unsigned char* repeats = beam.repeats.data();
        // A parent that ends in the same label contributes only its alignments that end in blank: without a
        // blank between, the two labels would collapse into one. Row kNone (-1) contributes 0.
        const double* contributions[2] = {beam.total.data(), beam.blank.data()};
        const double* log_prob = frame.log_prob.data();
        std::int32_t* first = by_last.first.data();
        std::int32_t* next = by_last.next.data();
        for (std::int32_t row = 0; row < beam.rows; ++row) {
            const std::int32_t label = last[row];
            logs[row] = log_prob[label];
            from_parent[row] = contributions[repeats[row]][parent[row]];
            if constexpr (weighted) from_parent[row] *= weights[row];
            next[row] = first[label];
            first[label] = row;
        }
    }
    if constexpr (weighted) std::fill(from_parent + beam.rows, from_parent + stays, 0.0);
    logs[stays] = frame.log_blank;
    logs[stays + 1] = frame.log_best;
    double* probs = probs_.data();
    LaneMath<L>::exp_all(logs, probs, stays + 2, exponent);
    const double prob_blank = probs[stays];
    const double prob_best = probs[stays + 1];

    const D blank = L::broadcast(prob_blank);
    const D lost = L::broadcast(kUnderflow);
    const D zero = L::broadcast(0.0);
    unsigned underflow = 0;
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
        L::store(new_total_column + row, L::add(new_label, new_blank));
    }
    candidates.stays = stays;
    candidates.count = stays;
    return {prob_blank, prob_best, (underflow & 0xff) != 0};
}

}  // namespace ctc

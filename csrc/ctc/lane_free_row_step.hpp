// Step 2 of a frame without a guide, where a register of symbols extends a row at a time.
#pragma once

#include "ctc/lane_extend_step.hpp"

namespace ctc {

// A part of FreeExtendStep. The extensions by the frame's most probable class are known from the floor,
// without those that are in the beam. All other symbols can lift few rows only, and each such row is
// multiplied by all of them. Which of its extensions are in the beam is a word of bits, so there are at most
// 64 symbols.
template <class L>
class FreeRowStep {
  public:
    // Prepares for a sequence. Keeps the memory.
    void start(std::int32_t classes) { place_.reserve(static_cast<std::size_t>(classes) + 1); }

    // As FreeExtendStep::run(), where ExtendStep::floor_of_kept() has found the floor. Returns false, with
    // the candidates unchanged, where FreeExtendStep has to find the extensions.
    bool run(const LaneBeam<L>& beam, const LaneSymbols<L>& symbols,
             const typename StayStep<L>::Output& stayed, double floor, LaneCandidates<L>& candidates);

  private:
    using D = typename L::D;
    static constexpr std::int32_t kMost = 64;  // rows and symbols

    // Sets of rows, as bits.
    struct Rows {
        std::uint64_t lifted;    // to the floor by a symbol other than the best one
        std::uint64_t repeated;  // likewise by their own last label, if it needed no blank between
        std::uint64_t blank;     // likewise behind a blank
        std::uint64_t children;  // of which the part that their parents contribute reaches the floor
    };

    void reserve(std::int32_t rows);
    bool copy_symbols(const LaneSymbols<L>& symbols, double best);
    Rows extend_by_best(const LaneBeam<L>& beam, const typename StayStep<L>::Output& stayed, D limit,
                        LaneCandidates<L>& candidates) const;
    void find_taken(const LaneBeam<L>& beam, Rows& rows);
    void extend_lifted(const LaneBeam<L>& beam, const Rows& rows, D limit,
                       LaneCandidates<L>& candidates) const;
    static void extend_repeated(const LaneBeam<L>& beam, const typename StayStep<L>::Output& stayed,
                                std::uint64_t rows, LaneCandidates<L>& candidates);

    Column<std::uint64_t> row_;    // 0, 1, 2, ...
    Column<std::uint64_t> taken_;  // by row, a bit by symbol: the extension is in the beam
    Column<std::int32_t> place_;   // by class: its place among the symbols, if it is one
    // By symbol: its probability, 0 for the best one, and the id of row 0 extended by it.
    Column<double> prob_;
    Column<std::uint64_t> id_;
    std::int32_t symbols_ = 0;
    std::uint64_t best_id_ = 0;
    double below_best_ = 0.0;  // the double before the highest probability
    double second_ = 0.0;      // the highest in prob_
};

template <class L>
bool FreeRowStep<L>::run(const LaneBeam<L>& beam, const LaneSymbols<L>& symbols,
                         const typename StayStep<L>::Output& stayed, double floor,
                         LaneCandidates<L>& candidates) {
    if (candidates.stays > kMost || symbols.count > kMost || symbols.count == 0) return false;
    reserve(candidates.stays);
    if (!copy_symbols(symbols, stayed.prob_best)) return false;
    const D limit = L::broadcast(floor);
    Rows rows = extend_by_best(beam, stayed, limit, candidates);
    find_taken(beam, rows);
    extend_lifted(beam, rows, limit, candidates);
    extend_repeated(beam, stayed, rows.blank, candidates);
    return true;
}

template <class L>
void FreeRowStep<L>::reserve(std::int32_t rows) {
    const auto count = static_cast<std::size_t>(rows);
    if (count <= row_.capacity()) return;
    taken_.reserve(count);
    prob_.reserve(kMost);
    id_.reserve(kMost);
    row_.reserve(count);
    for (std::size_t row = 0; row < row_.capacity(); ++row) row_.data()[row] = row;
}

// Returns whether exactly one symbol has the probability `best`.
template <class L>
bool FreeRowStep<L>::copy_symbols(const LaneSymbols<L>& symbols, double best) {
    symbols_ = symbols.count;
    below_best_ = double_of(bits_of(best) - 1);
    const D bests = L::broadcast(best);
    const D limit = L::broadcast(below_best_);
    D second = L::broadcast(0.0);
    std::uint64_t best_places = 0;
    for (std::int32_t i = 0; i < symbols_; i += kLanes) {
        const D probs = L::load(symbols.prob.data() + i);
        const D others = L::zero_unless_at_least(probs, limit, probs);
        best_places |= std::uint64_t{L::at_least(probs, bests)} << i;
        second = L::max(others, second);
        L::store(prob_.data() + i, others);
        for (std::int32_t lane = i; lane < i + kLanes; ++lane)
            id_.data()[lane] = symbols.label.data()[lane] << 32;
    }
    if (best_places == 0 || (best_places & (best_places - 1)) != 0) return false;
    best_id_ = id_.data()[lowest_bit(best_places)];
    second_ = LaneMath<L>::largest(second);
    for (std::int32_t i = 0; i < symbols_; ++i) place_.data()[symbols.label.data()[i]] = i;
    return true;
}

template <class L>
typename FreeRowStep<L>::Rows FreeRowStep<L>::extend_by_best(const LaneBeam<L>& beam,
                                                             const typename StayStep<L>::Output& stayed,
                                                             D limit, LaneCandidates<L>& candidates) const {
    const D below_best = L::broadcast(below_best_);
    const D second = L::broadcast(second_);
    const double* by_best = candidates.total.data() + candidates.stays;
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    Rows rows{};
    for (std::int32_t row = 0; row < candidates.stays; row += kLanes) {
        // In place.
        const D extended = L::load(by_best + row);
        const unsigned mask = L::at_least(extended, limit);
        L::compress(total + end, extended, mask);
        L::compress_sums(id + end, row_.data() + row, best_id_, mask);
        end += L::popcount(mask);
        const D totals = L::load(beam.total.data() + row);
        const D all_probs = L::load(stayed.prob_last + row);
        const D probs = L::zero_unless_at_least(all_probs, below_best, all_probs);
        const D blank = L::mul(L::load(beam.blank.data() + row), probs);
        const D child = L::mul(L::load(stayed.from_parent + row), probs);
        rows.lifted |= std::uint64_t{L::at_least(L::mul(totals, second), limit)} << row;
        rows.repeated |= std::uint64_t{L::at_least(L::mul(totals, probs), limit)} << row;
        rows.blank |= std::uint64_t{L::at_least(blank, limit)} << row;
        rows.children |= std::uint64_t{L::at_least(child, limit)} << row;
    }
    candidates.count = end;
    return rows;
}

// Finds the extensions that are in the beam: those repeated behind a blank leave rows.blank.
template <class L>
void FreeRowStep<L>::find_taken(const LaneBeam<L>& beam, Rows& rows) {
    std::uint64_t* taken = taken_.data();
    std::fill_n(taken, whole_lanes(beam.rows), 0);
    for (std::uint64_t children = rows.children; children != 0; children &= children - 1) {
        const std::int32_t row = lowest_bit(children);
        const std::int32_t parent = beam.parent.data()[row];
        taken[parent] |= std::uint64_t{1} << place_.data()[beam.last.data()[row]];
        rows.blank &= ~(std::uint64_t{beam.repeats.data()[row]} << parent);
    }
}

template <class L>
void FreeRowStep<L>::extend_lifted(const LaneBeam<L>& beam, const Rows& rows, D limit,
                                   LaneCandidates<L>& candidates) const {
    const auto padded = static_cast<std::size_t>(whole_lanes(symbols_));
    candidates.reserve_more(static_cast<std::size_t>(L::popcount64(rows.lifted)) * padded);
    const double* prob = prob_.data();
    const std::uint64_t* label_id = id_.data();
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    for (std::uint64_t lifted = rows.lifted; lifted != 0; lifted &= lifted - 1) {
        const std::int32_t row = lowest_bit(lifted);
        const D row_total = L::broadcast(beam.total.data()[row]);
        const std::uint64_t repeated = rows.repeated >> row & 1;
        const std::uint64_t open =
            ~(taken_.data()[row] | repeated << (place_.data()[beam.last.data()[row]] & (kMost - 1)));
        for (std::int32_t i = 0; i < symbols_; i += kLanes) {
            const D totals = L::mul(row_total, L::load(prob + i));
            const unsigned mask = L::at_least(totals, limit) & static_cast<unsigned>(open >> i);
            if (!L::kCompresses && mask == 0) continue;
            L::compress(total + end, totals, mask);
            L::compress_sums(id + end, label_id + i, static_cast<std::uint64_t>(row), mask);
            end += L::popcount(mask);
        }
    }
    candidates.count = end;
}

// Appends the extensions of rows by their own last labels, which need a blank between.
template <class L>
void FreeRowStep<L>::extend_repeated(const LaneBeam<L>& beam, const typename StayStep<L>::Output& stayed,
                                     std::uint64_t rows, LaneCandidates<L>& candidates) {
    candidates.reserve_extensions();
    std::int32_t end = candidates.count;
    for (; rows != 0; rows &= rows - 1, ++end) {
        const std::int32_t row = lowest_bit(rows);
        candidates.total.data()[end] = beam.blank.data()[row] * stayed.prob_last[row];
        const auto label = static_cast<std::uint64_t>(beam.last.data()[row]);
        candidates.id.data()[end] = LaneCandidates<L>::id_of(label, row);
    }
    candidates.count = end;
}

}  // namespace ctc

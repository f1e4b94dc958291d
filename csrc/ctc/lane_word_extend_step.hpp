// Step 2 of a frame of at most 64 rows and symbols: a register of symbols extends a row at a time.
#pragma once

#include "ctc/lane_extend_step.hpp"
#include "ctc/lane_permitted.hpp"

namespace ctc {

// A part of FreeExtendStep and of GuidedExtendStep. Mostly the extensions by the frame's most probable class
// are known from the floor, without those that are in the beam. All other symbols can lift few rows only, and
// each such row is multiplied by all of them. Which of its extensions are in the beam is a word of bits.
template <class L>
class WordExtendStep {
  public:
    static constexpr std::int32_t kMost = 64;  // rows and symbols

    // Prepares for a sequence. Keeps the memory.
    void start(std::int32_t classes) { place_.reserve(static_cast<std::size_t>(classes) + 1); }

    // As FreeExtendStep::run().
    void run(const LaneBeam<L>& beam, const LaneSymbols<L>& symbols,
             const typename StayStep<L>::Output& stayed, double known_floor, LaneCandidates<L>& candidates) {
        extend<false>({beam, stayed, beam.total.data(), {}}, symbols, known_floor, candidates);
    }

    // The same for rows that permit some classes. `reach` has their totals, and 0 for rows that must not be
    // extended. Behind the candidates, those for the floor must be as behind the unchanged labellings without
    // a guide.
    void run_guided(const LaneBeam<L>& beam, const LaneSymbols<L>& symbols,
                    const typename StayStep<L>::Output& stayed, const double* reach,
                    const PermittedClasses<L>& permitted, double known_floor, LaneCandidates<L>& candidates) {
        extend<true>({beam, stayed, reach, permitted}, symbols, known_floor, candidates);
    }

  private:
    using D = typename L::D;

    struct Input {
        const LaneBeam<L>& beam;
        const typename StayStep<L>::Output& stayed;
        const double* total;  // by row: what is extended
        PermittedClasses<L> permitted;
    };

    // Sets of rows, as bits.
    struct Rows {
        std::uint64_t lifted;    // to the floor by a symbol of which not all extensions are known
        std::uint64_t repeated;  // likewise by their own last label, if it needed no blank between
        std::uint64_t blank;     // likewise behind a blank
        std::uint64_t children;  // of which the part that their parents contribute reaches the floor
    };

    void reserve(std::int32_t rows);
    template <bool guided>
    void extend(const Input& in, const LaneSymbols<L>& symbols, double known_floor,
                LaneCandidates<L>& candidates);
    bool copy_symbols(const LaneSymbols<L>& symbols, double best, bool best_is_known);
    template <bool guided>
    void extend_by_best(const Input& in, D limit, LaneCandidates<L>& candidates) const;
    Rows find_rows(const Input& in, D limit) const;
    void find_taken(const LaneBeam<L>& beam, Rows& rows);
    template <bool guided>
    void extend_lifted(const Input& in, const LaneSymbols<L>& symbols, const Rows& rows, D limit,
                       LaneCandidates<L>& candidates) const;
    template <bool guided>
    static void extend_repeated(const Input& in, std::uint64_t rows, LaneCandidates<L>& candidates);

    Column<std::uint64_t> row_;    // 0, 1, 2, ...
    Column<std::uint64_t> taken_;  // by row, a bit by symbol: the extension is in the beam
    Column<std::int32_t> place_;   // by class: its place among the symbols, if it is one
    // By symbol: its probability, 0 where its extensions are known, and the id of row 0 extended by it.
    Column<double> prob_;
    Column<std::uint64_t> id_;
    std::int32_t symbols_ = 0;
    std::uint64_t best_id_ = 0;
    double bound_ = 0.0;    // the extensions by classes with a probability above this are known
    double highest_ = 0.0;  // in prob_
};

template <class L>
template <bool guided>
void WordExtendStep<L>::extend(const Input& in, const LaneSymbols<L>& symbols, double known_floor,
                               LaneCandidates<L>& candidates) {
    const D limit = L::broadcast(std::max(known_floor, LaneMath<L>::kSmallestTotal));
    reserve(candidates.stays);
    const bool best_is_known = copy_symbols(symbols, in.stayed.prob_best, known_floor > 0.0);
    if (best_is_known) extend_by_best<guided>(in, limit, candidates);
    Rows rows = find_rows(in, limit);
    find_taken(in.beam, rows);
    extend_lifted<guided>(in, symbols, rows, limit, candidates);
    extend_repeated<guided>(in, rows.blank, candidates);
}

template <class L>
void WordExtendStep<L>::reserve(std::int32_t rows) {
    const auto count = static_cast<std::size_t>(rows);
    if (count <= row_.capacity()) return;
    taken_.reserve(count);
    prob_.reserve(kMost);
    id_.reserve(kMost);
    row_.reserve(count);
    for (std::size_t row = 0; row < row_.capacity(); ++row) row_.data()[row] = row;
}

// Returns `best_is_known`, or false where several symbols have the probability `best`.
template <class L>
bool WordExtendStep<L>::copy_symbols(const LaneSymbols<L>& symbols, double best, bool best_is_known) {
    symbols_ = symbols.count;
    bound_ = best_is_known ? double_of(bits_of(best) - 1) : best;
    const D bound = L::broadcast(bound_);
    const D bests = L::broadcast(best);
    D highest = L::broadcast(0.0);
    std::uint64_t best_places = 0;
    for (std::int32_t i = 0; i < symbols_; i += kLanes) {
        const D probs = L::load(symbols.prob.data() + i);
        const D others = L::zero_unless_at_least(probs, bound, probs);
        best_places |= std::uint64_t{L::at_least(probs, bests)} << i;
        highest = L::max(others, highest);
        L::store(prob_.data() + i, others);
        for (std::int32_t lane = i; lane < i + kLanes; ++lane)
            id_.data()[lane] = symbols.label.data()[lane] << 32;
    }
    // It is known of the first one alone, and there is none if no class is a symbol.
    const bool has_one_best = best_places != 0 && (best_places & (best_places - 1)) == 0;
    if (best_is_known && !has_one_best) return copy_symbols(symbols, best, false);
    if (best_is_known) best_id_ = id_.data()[lowest_bit(best_places)];
    highest_ = LaneMath<L>::largest(highest);
    for (std::int32_t i = 0; i < symbols_; ++i) place_.data()[symbols.label.data()[i]] = i;
    return best_is_known;
}

// Appends the extensions by the best symbol, which the step that found the floor has written behind the
// candidates. With a guide, those of rows that do not permit it are others.
template <class L>
template <bool guided>
void WordExtendStep<L>::extend_by_best(const Input& in, D limit, LaneCandidates<L>& candidates) const {
    const double* by_best = candidates.total.data() + candidates.count;
    const std::int32_t best = LaneCandidates<L>::label_of(best_id_);
    [[maybe_unused]] const std::uint64_t* permits_best = in.permitted.of(best / 64);
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    for (std::int32_t row = 0; row < candidates.stays; row += kLanes) {
        const D extended = L::load(by_best + row);  // before it is overwritten
        unsigned mask = L::at_least(extended, limit);
        if constexpr (guided) mask &= L::with_bit(permits_best + row, best % 64);
        L::compress(total + end, extended, mask);
        L::compress_sums(id + end, row_.data() + row, best_id_, mask);
        end += L::popcount(mask);
    }
    candidates.count = end;
}

template <class L>
typename WordExtendStep<L>::Rows WordExtendStep<L>::find_rows(const Input& in, D limit) const {
    const D bound = L::broadcast(bound_);
    const D highest = L::broadcast(highest_);
    Rows rows{};
    for (std::int32_t row = 0; row < in.beam.rows; row += kLanes) {
        const D all_probs = L::load(in.stayed.prob_last + row);
        const D probs = L::zero_unless_at_least(all_probs, bound, all_probs);
        const D totals = L::load(in.total + row);
        const D blank = L::mul(L::load(in.beam.blank.data() + row), probs);
        const D child = L::mul(L::load(in.stayed.from_parent + row), probs);
        rows.lifted |= std::uint64_t{L::at_least(L::mul(totals, highest), limit)} << row;
        rows.repeated |= std::uint64_t{L::at_least(L::mul(totals, probs), limit)} << row;
        rows.blank |= std::uint64_t{L::at_least(blank, limit)} << row;
        rows.children |= std::uint64_t{L::at_least(child, limit)} << row;
    }
    rows.blank &= rows.repeated;  // without rows that a guide does not extend
    return rows;
}

// Finds the extensions that are in the beam: those repeated behind a blank leave rows.blank.
template <class L>
void WordExtendStep<L>::find_taken(const LaneBeam<L>& beam, Rows& rows) {
    std::uint64_t* taken = taken_.data();
    std::fill_n(taken, whole_lanes(beam.rows), 0);
    for (std::uint64_t children = rows.children; children != 0; children &= children - 1) {
        const std::int32_t row = lowest_bit(children);
        const std::int32_t parent = beam.parent.data()[row];
        // With a guide, a label that no row is extended by has a place of no meaning.
        taken[parent] |= std::uint64_t{1} << (place_.data()[beam.last.data()[row]] & (kMost - 1));
        rows.blank &= ~(std::uint64_t{beam.repeats.data()[row]} << parent);
    }
}

template <class L>
template <bool guided>
void WordExtendStep<L>::extend_lifted(const Input& in, const LaneSymbols<L>& symbols, const Rows& rows,
                                      D limit, LaneCandidates<L>& candidates) const {
    const auto padded = static_cast<std::size_t>(whole_lanes(symbols_));
    candidates.reserve_more(static_cast<std::size_t>(L::popcount64(rows.lifted)) * padded);
    const double* prob = prob_.data();
    const std::uint64_t* label_id = id_.data();
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    [[maybe_unused]] std::int32_t known_row = PrefixTree::kNone;
    [[maybe_unused]] std::uint64_t permitted_places = 0;  // of that row
    for (std::uint64_t lifted = rows.lifted; lifted != 0; lifted &= lifted - 1) {
        const std::int32_t row = lowest_bit(lifted);
        const D row_total = L::broadcast(in.total[row]);
        const std::uint64_t repeated = rows.repeated >> row & 1;
        std::uint64_t open =
            ~(taken_.data()[row] | repeated << (place_.data()[in.beam.last.data()[row]] & (kMost - 1)));
        const auto extend = [&](std::int32_t i) {
            const D totals = L::mul(row_total, L::load(prob + i));
            const unsigned mask = L::at_least(totals, limit) & static_cast<unsigned>(open >> i);
            if (!L::kCompresses && mask == 0) return;
            L::compress(total + end, totals, mask);
            L::compress_sums(id + end, label_id + i, static_cast<std::uint64_t>(row), mask);
            end += L::popcount(mask);
        };
        if constexpr (guided) {
            // Rows of one state permit the same.
            if (known_row < 0 || !in.permitted.same(row, known_row))
                permitted_places = in.permitted.places(row, symbols.label.data(), symbols_);
            known_row = row;
            open &= permitted_places;
            for (std::uint64_t left = open; left != 0;) {
                const std::int32_t i = lowest_bit(left) / kLanes * kLanes;
                extend(i);
                left &= ~(std::uint64_t{0xff} << i);
            }
        } else {
            for (std::int32_t i = 0; i < symbols_; i += kLanes) extend(i);
        }
    }
    candidates.count = end;
}

// Appends the extensions of rows by their own last labels, which need a blank between.
template <class L>
template <bool guided>
void WordExtendStep<L>::extend_repeated(const Input& in, std::uint64_t rows, LaneCandidates<L>& candidates) {
    candidates.reserve_extensions();
    std::int32_t end = candidates.count;
    for (; rows != 0; rows &= rows - 1) {
        const std::int32_t row = lowest_bit(rows);
        const std::int32_t label = in.beam.last.data()[row];
        if (guided && !in.permitted.has(row, label)) continue;
        candidates.total.data()[end] = in.beam.blank.data()[row] * in.stayed.prob_last[row];
        candidates.id.data()[end++] = LaneCandidates<L>::id_of(static_cast<std::uint64_t>(label), row);
    }
    candidates.count = end;
}

}  // namespace ctc

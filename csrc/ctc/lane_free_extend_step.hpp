// Step 2 of a frame without a guide: every extension that reaches the floor.
#pragma once

#include "ctc/lane_word_extend_step.hpp"

namespace ctc {

// WordExtendStep finds them where there are at most 64 rows and symbols. This is for more of either.
//
// Most symbols can lift only the few best rows to the floor. So the rows that any symbol but the best one can
// lift are copied to the front of a column of their own, and the other symbols extend those.
//
// Extensions that are in the beam are found by what they contribute to their rows: where that reaches the
// floor, so does the candidate, which is then given the total 0.
template <class L>
class FreeExtendStep {
  public:
    // Prepares for a sequence. Keeps the memory.
    void start(std::int32_t classes) {
        const auto count = static_cast<std::size_t>(classes) + 1;
        place_.reserve(count);
        starts_.reserve(count + 1);
        by_words_.start(classes);
    }

    // Appends each extension whose total is at least the floor, unless its labelling is in the beam already:
    // StayStep has added its probability to that row. `symbols` has each class that lifts a row to the floor,
    // which is `known_floor`, as ExtendStep::floor_of_kept() has returned it, or where that is 0 the smallest
    // total that counts.
    void run(const LaneBeam<L>& beam, const LaneSymbols<L>& symbols,
             const typename StayStep<L>::Output& stayed, double known_floor, LaneCandidates<L>& candidates);

  private:
    using D = typename L::D;

    void copy_rows(const LaneBeam<L>& beam, double prob, D limit);
    static void extend(const double* total, const std::uint64_t* row_of, std::int32_t count,
                       std::uint64_t label, double prob, D limit, LaneCandidates<L>& candidates);
    void extend_repeated(const LaneBeam<L>& beam, const typename StayStep<L>::Output& stayed, D limit,
                         LaneCandidates<L>& candidates);
    void drop_taken(const LaneBeam<L>& beam, const LaneSymbols<L>& symbols,
                    const typename StayStep<L>::Output& stayed, D limit, LaneCandidates<L>& candidates);
    void drop(std::int32_t symbol, std::uint64_t id, LaneCandidates<L>& candidates);

    WordExtendStep<L> by_words_;
    std::int32_t best_count_ = 0;         // of rows, padded to whole registers
    Column<double> best_total_;           // of the rows that a symbol other than the best one can lift
    Column<std::uint64_t> best_row_;      // which rows those are
    Column<std::uint64_t> row_;           // 0, 1, 2, ...
    Column<std::int32_t> place_;          // by class: its place among the symbols of this frame
    Column<std::int32_t> starts_;         // by symbol: its first candidate
    Column<std::uint64_t> repeat_taken_;  // by row, a bit: its extension by its own last label is in the beam
};

template <class L>
void FreeExtendStep<L>::run(const LaneBeam<L>& beam, const LaneSymbols<L>& symbols,
                            const typename StayStep<L>::Output& stayed, double known_floor,
                            LaneCandidates<L>& candidates) {
    constexpr std::int32_t kMost = WordExtendStep<L>::kMost;
    if (candidates.stays <= kMost && symbols.count <= kMost) {
        by_words_.run(beam, symbols, stayed, known_floor, candidates);
        return;
    }
    const D limit = L::broadcast(std::max(known_floor, LaneMath<L>::kSmallestTotal));
    const std::int32_t stays = candidates.stays;
    const double* prob = symbols.prob.data();
    const std::uint64_t* label = symbols.label.data();
    if (row_.capacity() < static_cast<std::size_t>(stays)) {
        row_.reserve(static_cast<std::size_t>(stays));
        for (std::size_t row = 0; row < row_.capacity(); ++row) row_.data()[row] = row;
    }
    double second = 0.0;
    for (std::int32_t i = 0; i < symbols.count; ++i)
        second = std::max(second, prob[i] < stayed.prob_best ? prob[i] : 0.0);
    copy_rows(beam, second, limit);
    std::int32_t* place = place_.data();
    std::int32_t* starts = starts_.data();
    for (std::int32_t i = 0; i < symbols.count; ++i) {
        place[label[i]] = i;
        starts[i] = candidates.count;
        if (prob[i] < stayed.prob_best)
            extend(best_total_.data(), best_row_.data(), best_count_, label[i], prob[i], limit, candidates);
        else
            extend(beam.total.data(), row_.data(), stays, label[i], prob[i], limit, candidates);
    }
    starts[symbols.count] = candidates.count;
    drop_taken(beam, symbols, stayed, limit, candidates);
    extend_repeated(beam, stayed, limit, candidates);
}

// Copies the rows that a symbol with the probability `prob` lifts to the limit.
template <class L>
void FreeExtendStep<L>::copy_rows(const LaneBeam<L>& beam, double prob, D limit) {
    const std::int32_t rows = whole_lanes(beam.rows);
    best_total_.reserve(static_cast<std::size_t>(rows) + kLanes);
    best_row_.reserve(static_cast<std::size_t>(rows) + kLanes);
    double* best_total = best_total_.data();
    std::uint64_t* best_row = best_row_.data();
    const D probs = L::broadcast(prob);
    std::int32_t count = 0;
    for (std::int32_t row = 0; row < rows; row += kLanes) {
        const D totals = L::load(beam.total.data() + row);
        const unsigned mask = L::at_least(L::mul(totals, probs), limit);
        L::compress(best_total + count, totals, mask);
        L::compress_sums(best_row + count, row_.data() + row, 0, mask);
        count += L::popcount(mask);
    }
    L::store(best_total + count, L::broadcast(0.0));
    best_count_ = whole_lanes(count);
}

template <class L>
CTC_ALWAYS_INLINE void FreeExtendStep<L>::extend(const double* total, const std::uint64_t* row_of,
                                                 std::int32_t count, std::uint64_t label, double prob,
                                                 D limit, LaneCandidates<L>& candidates) {
    candidates.reserve_extensions();
    double* candidate = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    const D probs = L::broadcast(prob);
    std::int32_t end = candidates.count;
    for (std::int32_t i = 0; i < count; i += kLanes) {
        const D totals = L::mul(L::load(total + i), probs);
        const unsigned mask = L::at_least(totals, limit);
        L::compress(candidate + end, totals, mask);
        L::compress_sums(id + end, row_of + i, LaneCandidates<L>::id_of(label, 0), mask);
        end += L::popcount(mask);
    }
    candidates.count = end;
}

// Sets to 0 the total of each extension that is in the beam, or that repeats the last label, and notes which
// repeated extensions are in the beam.
template <class L>
void FreeExtendStep<L>::drop_taken(const LaneBeam<L>& beam, const LaneSymbols<L>& symbols,
                                   const typename StayStep<L>::Output& stayed, D limit,
                                   LaneCandidates<L>& candidates) {
    const std::int32_t rows = candidates.stays;
    const std::size_t words = static_cast<std::size_t>(rows + 63) / 64;
    repeat_taken_.reserve(words);
    std::uint64_t* repeat_taken = repeat_taken_.data();
    for (std::size_t word = 0; word < words; ++word) repeat_taken[word] = 0;
    const std::int32_t* place = place_.data();
    for (std::int32_t first = 0; first < rows; first += 64) {
        std::uint64_t repeated = 0;
        std::uint64_t child = 0;
        for (std::int32_t row = first; row < std::min(rows, first + 64); row += kLanes) {
            const D probs = L::load(stayed.prob_last + row);
            const D repeats = L::mul(L::load(beam.total.data() + row), probs);
            const D children = L::mul(L::load(stayed.from_parent + row), probs);
            repeated |= std::uint64_t{L::at_least(repeats, limit)} << (row - first);
            child |= std::uint64_t{L::at_least(children, limit)} << (row - first);
        }
        for (; repeated != 0; repeated &= repeated - 1) {
            const std::int32_t row = first + lowest_bit(repeated);
            const std::int32_t symbol = place[beam.last.data()[row]];
            drop(symbol, LaneCandidates<L>::id_of(symbols.label.data()[symbol], row), candidates);
        }
        for (; child != 0; child &= child - 1) {
            const std::int32_t row = first + lowest_bit(child);
            const std::int32_t symbol = place[beam.last.data()[row]];
            const std::int32_t parent = beam.parent.data()[row];
            // If the label is a repeated one, the loop above drops or has dropped it.
            if (beam.repeats.data()[row] != 0)
                repeat_taken[parent >> 6] |= std::uint64_t{1} << (parent & 63);
            else
                drop(symbol, LaneCandidates<L>::id_of(symbols.label.data()[symbol], parent), candidates);
        }
    }
}

template <class L>
void FreeExtendStep<L>::drop(std::int32_t symbol, std::uint64_t id, LaneCandidates<L>& candidates) {
    const std::uint64_t* ids = candidates.id.data();
    // They ascend, as the rows of a symbol do.
    const std::uint64_t* end = ids + starts_.data()[symbol + 1];
    const std::uint64_t* found = std::lower_bound(ids + starts_.data()[symbol], end, id);
    if (found != end && *found == id) candidates.total.data()[found - ids] = 0.0;
}

// Appends the extensions of rows by their own last labels, which need a blank between.
template <class L>
void FreeExtendStep<L>::extend_repeated(const LaneBeam<L>& beam, const typename StayStep<L>::Output& stayed,
                                        D limit, LaneCandidates<L>& candidates) {
    candidates.reserve_extensions();
    const double* blank = beam.blank.data();
    double* candidate = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    for (std::int32_t first = 0; first < candidates.stays; first += 64) {
        std::uint64_t rows = 0;
        for (std::int32_t row = first; row < std::min(candidates.stays, first + 64); row += kLanes) {
            const D totals = L::mul(L::load(blank + row), L::load(stayed.prob_last + row));
            rows |= std::uint64_t{L::at_least(totals, limit)} << (row - first);
        }
        for (rows &= ~repeat_taken_.data()[first / 64]; rows != 0; rows &= rows - 1) {
            const std::int32_t row = first + lowest_bit(rows);
            candidate[end] = blank[row] * stayed.prob_last[row];
            id[end++] = LaneCandidates<L>::id_of(static_cast<std::uint64_t>(beam.last.data()[row]), row);
        }
    }
    candidates.count = end;
}

}  // namespace ctc

// Step 2 of a frame with a guide: a lower bound on what will be kept, and every permitted extension that
// reaches it.
#pragma once

#include "ctc/lane_guided_bounds.hpp"
#include "ctc/lane_guided_frame.hpp"
#include "ctc/lane_row_extend_step.hpp"
#include "ctc/lane_word_extend_step.hpp"

namespace ctc {

// First the rows that permit few classes are extended by each of them. Then the others, as ExtendStep does,
// by what their states permit: a bit for each class. An extension whose row would reach the floor with its
// highest weight is computed with its own weight.
template <class L>
class GuidedExtendStep {
  public:
    using Frame = GuidedFrame<L>;

    // Appends extensions to the candidates, which hold the unchanged labellings. Returns a total that at
    // least `beam_width` candidates reach, or 0 if fewer are known.
    double run(const Frame& in, std::int32_t beam_width, LaneCandidates<L>& candidates);

    // Prepares for a sequence. Keeps the memory.
    void start(std::int32_t classes) {
        symbols_.reserve(classes);
        by_words_.start(classes);
    }

  private:
    using D = typename L::D;
    static constexpr std::int32_t kMostWords = 4;
    static constexpr std::int32_t kFewClasses = 8;

    void extend_by_edges(const Frame& in, LaneCandidates<L>& candidates);
    template <bool plain>
    void extend(const Frame& in, double floor, LaneCandidates<L>& candidates) const;

    void extend_repeated(const Frame& in, double floor, LaneCandidates<L>& candidates) const;

    LaneSymbols<L> symbols_;
    WordExtendStep<L> by_words_;
    RowExtendStep<L> by_rows_;
    GuidedBounds<L> bounds_;
    // Of extensions by edges.
    Column<double> logs_, total_;
    Column<std::uint64_t> id_;
};

template <class L>
double GuidedExtendStep<L>::run(const Frame& in, std::int32_t beam_width, LaneCandidates<L>& candidates) {
    const GuideTable& table = in.columns.rows.table();
    const bool has_edges =
        table.permitted == nullptr && table.fewest <= kFewClasses && in.permitted.words <= kMostWords;
    if (has_edges) {
        in.open.fill(in.beam, in.columns, candidates.stays);
        extend_by_edges(in, candidates);
    }
    const double largest_reach = LaneMath<L>::largest(in.columns.reach.data(), candidates.stays);
    candidates.reserve_extensions();
    std::int32_t end = candidates.count;
    if (largest_reach > 0.0) {
        bounds_.write(in, candidates);
        end += candidates.stays;
    }
    L::store(candidates.total.data() + end, L::broadcast(0.0));
    end = whole_lanes(end);
    const double known_floor =
        end < beam_width
            ? 0.0
            : ExtendStep<L>::beam_width_th(
                  candidates, end,
                  ExtendStep<L>::least_of_full(candidates.total.data(), candidates.stays, beam_width),
                  beam_width);
    if (!(largest_reach > 0.0)) return known_floor;
    const double floor = std::max(known_floor, LaneMath<L>::kSmallestTotal);
    const bool by_rows = !in.prepared.checks && RowWeights<L>::fits(in.frame.classes, candidates.stays);
    const bool with_weights = by_rows && in.columns.weighted();
    if (!with_weights) {
        ExtendStep<L>::collect_symbols(largest_reach, in.frame, in.exponent, known_floor, symbols_);
        constexpr std::int32_t kMost = WordExtendStep<L>::kMost;
        if (in.plain() && candidates.stays <= kMost && symbols_.count <= kMost &&
            in.permitted.words <= kMostWords) {
            by_words_.run_guided(in.beam, symbols_, in.stayed, in.columns.reach.data(), in.permitted,
                                 known_floor, candidates);
            return known_floor;
        }
    }
    if (!has_edges) in.open.fill(in.beam, in.columns, candidates.stays);
    if (with_weights)
        by_rows_.run_weighted(in, largest_reach, known_floor, candidates);
    else if (by_rows)
        by_rows_.run(in, symbols_, floor, candidates);
    else if (in.plain())
        extend<true>(in, floor, candidates);
    else
        extend<false>(in, floor, candidates);
    extend_repeated(in, floor, candidates);
    return known_floor;
}

// Appends the extensions of the rows that permit few classes, one by one, and excludes these rows from what
// follows, as well as rows of which no extension is of use.
template <class L>
void GuidedExtendStep<L>::extend_by_edges(const Frame& in, LaneCandidates<L>& candidates) {
    const bool plain = in.plain();
    const std::size_t most = static_cast<std::size_t>(in.beam.rows) * kFewClasses + 2 * kLanes;
    candidates.reserve_more(most);
    logs_.reserve(most);
    total_.reserve(most);
    id_.reserve(most);
    double* logs = logs_.data();
    double* total = total_.data();
    std::uint64_t* id = id_.data();
    double* reach = in.columns.reach.data();
    const D limit = L::broadcast(in.least_of_use());
    const D best = L::broadcast(in.stayed.prob_best);
    std::int32_t count = 0;
    for (std::int32_t first = 0; first < candidates.stays; first += kLanes) {
        const D reaches = L::load(reach + first);
        const D extended = L::mul(reaches, best);
        L::store(reach + first, L::zero_unless_at_least(reaches, extended, limit));
        for (unsigned rows = L::at_least(extended, limit); rows != 0; rows &= rows - 1) {
            const std::int32_t row = first + lowest_bit(rows);
            if (in.columns.edges.data()[row].count > kFewClasses) continue;
            reach[row] = 0.0;
            const std::int32_t last = in.beam.last.data()[row];
            for (std::int32_t word = 0; word < in.permitted.words; ++word) {
                for (std::uint64_t bits = in.permitted.of(word)[row]; bits != 0; bits &= bits - 1) {
                    const std::int32_t label = 64 * word + lowest_bit(bits);
                    // A repeated label needs a blank between.
                    const double source = (label == last ? in.beam.blank.data() : in.beam.total.data())[row];
                    total[count] = plain ? source : source * in.weight(row, label);
                    logs[count] = in.frame.log_prob.data()[label];
                    id[count] = LaneCandidates<L>::id_of(static_cast<std::uint64_t>(label), row);
                    count += in.taken(row, label) ? 0 : 1;
                }
            }
        }
    }
    L::store(total + count, L::broadcast(0.0));
    std::int32_t end = candidates.count;
    for (std::int32_t i = 0; i < count; i += kLanes) {
        const D totals = L::mul(L::load(total + i), lane_exp<L>(L::load(logs + i), in.exponent));
        const unsigned mask = L::at_least(totals, limit);
        L::compress(candidates.total.data() + end, totals, mask);
        L::compress_sums(candidates.id.data() + end, id + i, 0, mask);
        end += L::popcount(mask);
    }
    candidates.count = end;
}

// Appends each permitted extension whose total is at least `floor`, unless its labelling is in the beam
// already; but none by the last label of its row. `plain`: all weights are 1, and whatever a row permits can
// end in the frames that remain.
template <class L>
template <bool plain>
void GuidedExtendStep<L>::extend(const Frame& in, double floor, LaneCandidates<L>& candidates) const {
    const D limit = L::broadcast(floor);
    const std::int32_t stays = candidates.stays;
    const double* reach = in.columns.reach.data();
    const double* row_total = in.beam.total.data();
    for (std::int32_t i = 0; i < symbols_.count; ++i) {
        candidates.reserve_extensions();
        double* total = candidates.total.data();
        std::uint64_t* id = candidates.id.data();
        const std::uint64_t label = symbols_.label.data()[i];
        const auto number = static_cast<std::int32_t>(label);
        const double prob = symbols_.prob.data()[i];
        const D probs = L::broadcast(prob);
        const std::uint64_t* open = in.open.of(number / 64);
        std::int32_t end = candidates.count;
        for (std::int32_t first = 0; first < stays; first += 64) {
            std::uint64_t reached = 0;
            for (std::int32_t row = first; row < std::min(stays, first + 64); row += kLanes) {
                const unsigned mask = L::at_least(L::mul(L::load(reach + row), probs), limit) &
                                      L::with_bit(open + row, number % 64);
                reached |= std::uint64_t{mask} << (row - first);
            }
            for (; reached != 0; reached &= reached - 1) {
                const std::int32_t row = first + lowest_bit(reached);
                double value = row_total[row] * prob;
                if (!plain) value *= in.weight(row, number);
                total[end] = value;
                id[end] = LaneCandidates<L>::id_of(label, row);
                end += plain || value >= floor ? 1 : 0;
            }
        }
        candidates.count = end;
    }
}

// Appends the extensions of rows by their own last labels, which need a blank between.
template <class L>
void GuidedExtendStep<L>::extend_repeated(const Frame& in, double floor,
                                          LaneCandidates<L>& candidates) const {
    const bool plain = in.plain();
    const D limit = L::broadcast(floor);
    const std::int32_t stays = candidates.stays;
    const double* reach = in.columns.reach.data();
    candidates.reserve_extensions();
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    std::int32_t end = candidates.count;
    for (std::int32_t row = 0; row < stays; row += kLanes) {
        const D totals = L::mul(L::load(reach + row), L::load(in.stayed.prob_last + row));
        unsigned mask = L::at_least(totals, limit) & ~in.open.repeats_taken(row);
        if (plain) {
            const D blanks = L::load(in.beam.blank.data() + row);
            mask &= L::at_least(L::mul(blanks, L::load(in.stayed.prob_last + row)), limit);
        }
        for (; mask != 0; mask &= mask - 1) {
            const std::int32_t repeated = row + lowest_bit(mask);
            const std::int32_t label = in.beam.last.data()[repeated];
            if (!in.permitted.has(repeated, label)) continue;
            double value = in.beam.blank.data()[repeated] * in.stayed.prob_last[repeated];
            if (!plain) value *= in.weight(repeated, label);
            total[end] = value;
            id[end] = LaneCandidates<L>::id_of(static_cast<std::uint64_t>(label), repeated);
            end += value >= floor ? 1 : 0;
        }
    }
    candidates.count = end;
}

}  // namespace ctc

// Step 2 of a frame with a guide: a lower bound on what will be kept, and every permitted extension that
// reaches it.
#pragma once

#include "ctc/lane_extend_step.hpp"
#include "ctc/lane_guide_columns.hpp"

namespace ctc {

// First the rows of edges are extended by each of their labels. Then the rows of arrays, as ExtendStep does,
// by the symbols that can lift one of them to the floor; of what comes out, the permitted is kept.
//
// The floor is closer the better the extensions that it is made from. So a row of arrays contributes its best
// permitted class: the frame's most probable one if that is permitted, else the result of a search through
// all classes, once for all rows in the same state. The search is left out for large alphabets and where the
// rows are in many states.
template <class L>
class GuidedExtendStep {
  public:
    // Appends extensions to the candidates, which hold the unchanged labellings. Returns a total that at
    // least `beam_width` candidates reach, or 0 if fewer are known. `largest_reach` is that of GuideColumns.
    double run(const LaneBeam<L>& beam, const LaneFrame<L>& frame, const GuideColumns<L>& columns,
               const SkippedRows<L>& skipped, const typename StayStep<L>::Output& stayed,
               std::int64_t exponent, double largest_reach, std::int32_t remaining, std::int32_t beam_width,
               LaneCandidates<L>& candidates);

    void reserve(std::int32_t classes) {
        symbols_.reserve(classes);
        const auto padded = static_cast<std::size_t>(whole_lanes(classes + 1));
        probs_.reserve(padded);
    }

  private:
    using D = typename L::D;
    using Row = typename GuideRows<L>::Row;
    static constexpr std::size_t kMostStates = 8;
    static constexpr std::int32_t kMostClasses = 256;

    // The best permitted class of a row of arrays in this frame.
    struct Best {
        std::int32_t slot;
        std::int32_t label;
        double value;  // its probability times its weight over the highest of the row
    };

    // Whether the extension of a row is in the beam: StayStep has added its probability to that row.
    static bool taken(const LaneBeam<L>& beam, const SkippedRows<L>& skipped, std::int32_t row,
                      std::int32_t label) {
        return beam.last.data()[row] == label ? skipped.repeat_is_taken(row)
                                              : (skipped.of(label)[row >> 6] >> (row & 63) & 1) != 0;
    }

    void extend_by_edges(const LaneBeam<L>& beam, const LaneFrame<L>& frame, const GuideColumns<L>& columns,
                         const SkippedRows<L>& skipped, std::int64_t exponent, std::int32_t remaining,
                         LaneCandidates<L>& candidates);
    void write_bounds(const LaneBeam<L>& beam, const LaneFrame<L>& frame, const GuideColumns<L>& columns,
                      const SkippedRows<L>& skipped, double prob_best, std::int64_t exponent,
                      std::int32_t remaining, LaneCandidates<L>& candidates);
    void keep_permitted(std::int32_t classes);
    Best best_of(std::int32_t slot, const GuideColumns<L>& columns, const LaneFrame<L>& frame,
                 std::int64_t exponent, std::int32_t remaining);
    static void filter(const GuideColumns<L>& columns, std::int32_t first, double floor,
                       std::int32_t remaining, LaneCandidates<L>& candidates);

    LaneSymbols<L> symbols_;
    Column<double> probs_;  // by class, of the frame; valid if best_ is not empty
    std::vector<Best> best_;
    std::vector<std::int32_t> searched_;  // rows of arrays for which best_ is needed
    std::uint64_t permitted_[4] = {};     // by class, whether a row of arrays permits it
    Column<double> logs_;                 // of the labels of edges
};

template <class L>
double GuidedExtendStep<L>::run(const LaneBeam<L>& beam, const LaneFrame<L>& frame,
                                const GuideColumns<L>& columns, const SkippedRows<L>& skipped,
                                const typename StayStep<L>::Output& stayed, std::int64_t exponent,
                                double largest_reach, std::int32_t remaining, std::int32_t beam_width,
                                LaneCandidates<L>& candidates) {
    extend_by_edges(beam, frame, columns, skipped, exponent, remaining, candidates);
    const bool has_arrays = largest_reach > 0.0;
    const std::int32_t first = candidates.count;
    std::int32_t end = first;
    if (has_arrays) {
        write_bounds(beam, frame, columns, skipped, stayed.prob_best, exponent, remaining, candidates);
        end += candidates.stays;
    }
    L::store(candidates.total.data() + end, L::broadcast(0.0));
    end = whole_lanes(end);
    const double known_floor = end < beam_width
                                   ? 0.0
                                   : ExtendStep<L>::beam_width_th(candidates.total.data(), end,
                                                                  candidates.stays, beam.rows, beam_width);
    if (!has_arrays) return known_floor;

    const double floor = std::max(known_floor, LaneMath<L>::kSmallestTotal);
    ExtendStep<L>::collect_symbols(largest_reach, frame, exponent, known_floor, symbols_);
    keep_permitted(frame.classes);
    ExtendStep<L>::run(beam, {columns.reach.data(), columns.reach_blank.data()}, skipped, symbols_, stayed,
                       floor, candidates);
    filter(columns, first, floor, remaining, candidates);
    return known_floor;
}

template <class L>
void GuidedExtendStep<L>::extend_by_edges(const LaneBeam<L>& beam, const LaneFrame<L>& frame,
                                          const GuideColumns<L>& columns, const SkippedRows<L>& skipped,
                                          std::int64_t exponent, std::int32_t remaining,
                                          LaneCandidates<L>& candidates) {
    const std::size_t most = static_cast<std::size_t>(beam.rows) * GuideRows<L>::kMostEdges + 2 * kLanes;
    candidates.reserve_more(most + static_cast<std::size_t>(candidates.stays));
    logs_.reserve(most);
    double* logs = logs_.data();
    double* total = candidates.total.data() + candidates.stays;
    std::uint64_t* id = candidates.id.data() + candidates.stays;
    const double* log_prob = frame.log_prob.data();
    std::int32_t count = 0;
    for (std::int32_t row = 0; row < beam.rows; ++row) {
        if (columns.num_edges.data()[row] == 0) continue;
        const Row& its_row = columns.cached(row);
        const std::int32_t last = beam.last.data()[row];
        for (std::int32_t i = 0; i < its_row.num_edges; ++i) {
            const auto& edge = its_row.edges[i];
            if (edge.needed > remaining || taken(beam, skipped, row, edge.label)) continue;
            // A repeated label needs a blank between.
            const double source = edge.label == last ? beam.blank.data()[row] : beam.total.data()[row];
            total[count] = source * edge.weight;
            logs[count] = log_prob[edge.label];
            id[count++] = LaneCandidates<L>::id_of(static_cast<std::uint64_t>(edge.label), row);
        }
    }
    for (std::int32_t i = 0; i < count; i += kLanes)
        L::store(total + i, L::mul(L::load(total + i), lane_exp<L>(L::load(logs + i), exponent)));
    candidates.count = candidates.stays + count;
}

// Writes behind the candidates a permitted extension of each row of arrays, for the floor alone; 0 for
// others. Notes which classes any row permits.
template <class L>
void GuidedExtendStep<L>::write_bounds(const LaneBeam<L>& beam, const LaneFrame<L>& frame,
                                       const GuideColumns<L>& columns, const SkippedRows<L>& skipped,
                                       double prob_best, std::int64_t exponent, std::int32_t remaining,
                                       LaneCandidates<L>& candidates) {
    double* bound = candidates.total.data() + candidates.count;
    const double* reach = columns.reach.data();
    const D best = L::broadcast(prob_best);
    for (std::int32_t row = 0; row < candidates.stays; row += kLanes)
        L::store(bound + row, L::mul(L::load(reach + row), best));
    const std::int32_t label = frame.best_label();
    ExtendStep<L>::correct_skipped(beam, columns.reach_blank.data(), skipped, label, prob_best, bound);

    const auto frames = static_cast<double>(remaining);
    best_.clear();
    searched_.clear();
    std::fill(permitted_, permitted_ + 4, 0);
    for (std::int32_t row = 0; row < beam.rows; ++row) {
        if (!(reach[row] > 0.0)) continue;
        const std::uint64_t* mask = columns.cached(row).permitted;
        for (int i = 0; i < 4; ++i) permitted_[i] |= mask[i];
        const std::int32_t begin = columns.begin.data()[row];
        const double ratio = columns.cache.ratio(begin)[label];
        if (ratio > 0.0 && columns.cache.needed(begin)[label] <= frames) {
            bound[row] *= ratio;
        } else {
            bound[row] = 0.0;
            searched_.push_back(row);
        }
    }
    if (frame.classes > kMostClasses) return;
    for (const std::int32_t row : searched_) {
        const std::int32_t slot = columns.slot.data()[row];
        std::size_t i = 0;
        while (i < best_.size() && best_[i].slot != slot) ++i;
        if (i == best_.size()) {
            if (i == kMostStates) continue;
            best_.push_back(best_of(slot, columns, frame, exponent, remaining));
        }
        if (taken(beam, skipped, row, best_[i].label)) continue;
        const bool repeated = beam.last.data()[row] == best_[i].label;
        bound[row] = (repeated ? columns.reach_blank.data() : reach)[row] * best_[i].value;
    }
}

// Removes the symbols that no row of arrays permits.
template <class L>
void GuidedExtendStep<L>::keep_permitted(std::int32_t classes) {
    if (classes > GuideRows<L>::kMaskClasses) return;
    std::int32_t count = 0;
    for (std::int32_t i = 0; i < symbols_.count; ++i) {
        const std::uint64_t label = symbols_.label.data()[i];
        symbols_.label.data()[count] = label;
        symbols_.prob.data()[count] = symbols_.prob.data()[i];
        count += static_cast<std::int32_t>(permitted_[label / 64] >> (label % 64) & 1);
    }
    symbols_.count = count;
}

template <class L>
typename GuidedExtendStep<L>::Best GuidedExtendStep<L>::best_of(std::int32_t slot,
                                                                const GuideColumns<L>& columns,
                                                                const LaneFrame<L>& frame,
                                                                std::int64_t exponent,
                                                                std::int32_t remaining) {
    const std::int32_t classes = whole_lanes(frame.classes);
    if (best_.empty()) LaneMath<L>::exp_all(frame.log_prob.data(), probs_.data(), classes, exponent);
    const double* ratio = columns.cache.ratio(columns.cache.row(slot).begin);
    const double* needed = columns.cache.needed(columns.cache.row(slot).begin);
    const double* probs = probs_.data();
    const D frames = L::broadcast(static_cast<double>(remaining));
    const auto values_at = [&](std::int32_t k) {
        return L::zero_unless_at_least(L::mul(L::load(probs + k), L::load(ratio + k)), frames,
                                       L::load(needed + k));
    };
    D most = L::broadcast(0.0);
    for (std::int32_t k = 0; k < classes; k += kLanes) most = L::max(values_at(k), most);
    const double value = LaneMath<L>::largest(most);
    if (!(value > 0.0)) return {slot, 0, 0.0};
    const D wanted = L::broadcast(value);
    for (std::int32_t k = 0;; k += kLanes) {
        const unsigned mask = L::at_least(values_at(k), wanted);
        if (mask != 0) return {slot, k + lowest_bit(mask), value};
    }
}

// Multiplies each extension from `first` on by its weight over the highest of its row, and removes what then
// is below the floor or not permitted.
template <class L>
void GuidedExtendStep<L>::filter(const GuideColumns<L>& columns, std::int32_t first, double floor,
                                 std::int32_t remaining, LaneCandidates<L>& candidates) {
    double* total = candidates.total.data();
    std::uint64_t* id = candidates.id.data();
    const auto frames = static_cast<double>(remaining);
    std::int32_t end = first;
    for (std::int32_t i = first; i < candidates.count; ++i) {
        const std::uint64_t this_id = id[i];
        const std::int32_t begin = columns.begin.data()[LaneCandidates<L>::row_of(this_id)];
        const std::int32_t label = LaneCandidates<L>::label_of(this_id);
        const double value = total[i] * columns.cache.ratio(begin)[label];
        total[end] = value;
        id[end] = this_id;
        end += (value >= floor && columns.cache.needed(begin)[label] <= frames) ? 1 : 0;
    }
    candidates.count = end;
}

}  // namespace ctc

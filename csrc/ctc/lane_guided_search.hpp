// LaneSearch with a guide (guide.hpp). The steps are those of lane_search.hpp, with these differences:
// - The rows of the beam have columns for the guide: GuideColumns.
// - StayStep multiplies what a parent extends by the weight of the last label.
// - Rows that cannot end in the frames that remain are removed, so the beam can shrink.
// - ExtendStep extends totals that are multiplied by the highest weight of their row. Then each candidate is
//   multiplied by its weight over that, or removed.
#pragma once

#include "ctc/lane_alignment.hpp"
#include "ctc/lane_extend_step.hpp"
#include "ctc/lane_guide_columns.hpp"
#include "ctc/lane_hypotheses.hpp"
#include "ctc/lane_select_step.hpp"
#include "ctc/lane_update_step.hpp"

namespace ctc {

template <class L>
class GuidedLaneSearch final : public FastSearch {
  public:
    explicit GuidedLaneSearch(const Options& options)
        : options_(options), columns_(*options.guide, options.blank, options.beam_width) {}

    bool run(const LogProbs& log_probs, Result& result) override;

    void start(std::int32_t classes) override;
    bool push(const LogProbs& log_probs, std::int32_t frame, Status& status) override;
    void write_best(std::int32_t n_best, const LogProbs* all_frames,
                    std::vector<Hypothesis>& hypotheses) override;
    std::vector<std::int32_t> common_prefix() const override {
        return beam_.arena.common_prefix(beam_.node.data(), static_cast<std::size_t>(beam_.rows));
    }

  private:
    using D = typename L::D;
    static constexpr std::int32_t kNone = PrefixArena::kNone;

    // As in LaneSearch. What is lost is multiplied by the weights as well.
    static constexpr double kSmallestKept = 1e-150;
    static constexpr double kSafety = 1e18;
    static constexpr double kSmallestSymbol = 1e-90;

    bool advance();
    double floor_of_kept(double prob_best);
    void filter(double floor);
    bool replace_beam(const unsigned char* keep);
    bool loses_a_symbol() const;
    bool has_ends_in_range() const;

    Options options_;
    LaneBeam<L> beam_;
    GuideColumns<L> columns_;
    double lost_ = 0.0;
    std::int32_t remaining_ = Guide::kNever;  // frames after the current one; kNever if not known

    LaneFrame<L> frame_;
    LaneCandidates<L> candidates_;
    SkippedRows<L> skipped_;
    LaneSymbols<L> symbols_;
    StayStep<L> stay_;
    SelectStep<L> select_;
    UpdateStep<L> update_;
    LaneAlignment<L> alignment_;
    std::vector<RankedLabelling> ranked_;
};

template <class L>
bool GuidedLaneSearch<L>::run(const LogProbs& log_probs, Result& result) {
    start(log_probs.classes);
    remaining_ = log_probs.frames;
    if (columns_.shortest.data()[0] > remaining_) beam_.rows = 0;
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        if (!push(log_probs, frame, result.status)) return false;
        if (result.status != Status::ok) {
            result.frame = frame;
            return true;
        }
    }
    if (!has_ends_in_range()) return false;
    write_best(options_.n_best, options_.frames ? &log_probs : nullptr, result.hypotheses);
    return true;
}

template <class L>
bool GuidedLaneSearch<L>::push(const LogProbs& log_probs, std::int32_t frame, Status& status) {
    status = frame_.read(log_probs, frame, options_.blank);
    if (status != Status::ok) return true;
    if (remaining_ != Guide::kNever) --remaining_;
    return beam_.rows == 0 || advance();
}

template <class L>
void GuidedLaneSearch<L>::start(std::int32_t classes) {
    beam_.start(classes);
    columns_.start(beam_.capacity());
    frame_.start(classes);
    candidates_.start(beam_.capacity());
    skipped_.start(classes);
    symbols_.reserve(classes);
    stay_.start(beam_.capacity());
    lost_ = 0.0;
    remaining_ = Guide::kNever;
}

// Advances the beam by the frame that was read. Returns false if too much may be lost.
template <class L>
bool GuidedLaneSearch<L>::advance() {
    const std::int32_t width = options_.beam_width;
    const std::int64_t exponent = exponent_of(beam_.largest);
    columns_.make_room(beam_.rows);
    const auto stayed = stay_.run_weighted(beam_, frame_, exponent, candidates_, columns_.weight.data());
    skipped_.fill(beam_);
    const double largest = columns_.prepare(beam_, remaining_, candidates_);
    const double known_floor = floor_of_kept(stayed.prob_best);
    symbols_.count = 0;
    if (largest > 0.0) ExtendStep<L>::collect_symbols(largest, frame_, exponent, known_floor, symbols_);
    if (lost_ > 0.0) {
        lost_ *= frame_.sum_of_probs(stayed.prob_blank, exponent) * 1.001;
        lost_ *= std::max(1.0, columns_.highest_weight(beam_.rows));
    }
    if (stayed.underflow) lost_ += 3.0 * static_cast<double>(beam_.rows) * kUnderflow;
    if (known_floor == 0.0 && (lost_ > 0.0 || loses_a_symbol())) return false;

    const double floor = std::max(known_floor, LaneMath<L>::kSmallestTotal);
    ExtendStep<L>::run(beam_, {columns_.reach.data(), columns_.reach_blank.data()}, skipped_, symbols_,
                       stayed, floor, candidates_);
    filter(floor);
    skipped_.clear(beam_);
    const auto selected = select_.run(beam_, candidates_, floor, width);
    if (selected.largest < floor) {
        // Nothing is lost where fewer candidates than places are known, so nothing is permitted.
        beam_.rows = 0;
        return true;
    }
    if (selected.smallest_kept < kSmallestKept || selected.smallest_kept < kSafety * lost_) return false;
    columns_.find_arrivals(selected.keep, candidates_);
    update_.run_shrinking(selected.keep, width, candidates_, beam_);
    columns_.update(update_, beam_.capacity());
    beam_.largest = selected.largest;
    beam_.exponent += exponent;
    return true;
}

// As ExtendStep::floor_of_kept(), of the extensions that are permitted.
template <class L>
double GuidedLaneSearch<L>::floor_of_kept(double prob_best) {
    const std::int32_t stays = candidates_.stays;
    if (2 * stays < options_.beam_width) return 0.0;
    double* total = candidates_.total.data();
    double* extended = total + stays;
    const D best = L::broadcast(prob_best);
    for (std::int32_t row = 0; row < stays; row += kLanes)
        L::store(extended + row, L::mul(L::load(columns_.reach.data() + row), best));
    const std::int32_t label = frame_.best_label();
    ExtendStep<L>::correct_skipped(beam_, columns_.reach_blank.data(), skipped_, label, prob_best, extended);
    for (std::int32_t row = 0; row < beam_.rows; ++row)
        extended[row] *= columns_.permitted_ratio(row, label, remaining_);
    return ExtendStep<L>::beam_width_th(total, stays, beam_.rows, options_.beam_width);
}

// Multiplies each extension by its weight over the highest of its row, and removes what then is below the
// floor or not permitted.
template <class L>
void GuidedLaneSearch<L>::filter(double floor) {
    double* total = candidates_.total.data();
    std::uint64_t* id = candidates_.id.data();
    std::int32_t end = candidates_.stays;
    for (std::int32_t i = candidates_.stays; i < candidates_.count; ++i) {
        const std::uint64_t this_id = id[i];
        const double value =
            total[i] * columns_.permitted_ratio(LaneCandidates<L>::row_of(this_id),
                                                LaneCandidates<L>::label_of(this_id), remaining_);
        total[end] = value;
        id[end] = this_id;
        end += value >= floor ? 1 : 0;
    }
    candidates_.count = end;
}

template <class L>
bool GuidedLaneSearch<L>::loses_a_symbol() const {
    const double* prob = symbols_.prob.data();
    const double lowest = columns_.lowest_weight(beam_.rows);
    return std::any_of(prob, prob + symbols_.count, [&](double p) { return p * lowest < kSmallestSymbol; });
}

// Whether the final weights of all rows are within the range of a double.
template <class L>
bool GuidedLaneSearch<L>::has_ends_in_range() const {
    for (std::int32_t row = 0; row < beam_.rows; ++row) {
        const double log_weight = columns_.summary(row).final_log_weight;
        if (log_weight < kExpLowest && log_weight > -LaneMath<L>::kInfinity) return false;
    }
    return true;
}

template <class L>
void GuidedLaneSearch<L>::write_best(std::int32_t n_best, const LogProbs* all_frames,
                                     std::vector<Hypothesis>& hypotheses) {
    ranked_.clear();
    for (std::int32_t row = 0; row < beam_.rows; ++row) {
        const double log_weight = columns_.summary(row).final_log_weight;
        double total = beam_.total.data()[row];
        if (log_weight != 0.0) {
            double weight[kLanes] = {log_weight};
            LaneMath<L>::exp_all(weight, weight, kLanes, 0);
            total *= weight[0];
        }
        if (total > 0.0) ranked_.push_back({total, {beam_.node.data()[row], kNone}, 0});
    }
    write_ranked(beam_, ranked_, n_best, all_frames, options_.blank, alignment_, hypotheses);
}

}  // namespace ctc

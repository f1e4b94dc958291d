// LaneSearch with a guide (guide.hpp). The steps are those of lane_search.hpp, with these differences:
// - The rows of the beam have columns for the guide: GuideColumns.
// - StayStep multiplies what a parent extends by the weight of the last label.
// - Rows that cannot end in the frames that remain are removed, so the beam can shrink.
// - GuidedExtendStep finds the extensions that are permitted, and a floor under those.
#pragma once

#include "ctc/lane_guide_columns.hpp"
#include "ctc/lane_guided_extend_step.hpp"
#include "ctc/lane_guided_losses.hpp"
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
    void limit(std::int32_t frames) override;
    bool ends_in_range() const override;
    void write_leader(std::vector<Hypothesis>& hypotheses) override;
    std::vector<std::int32_t> common_prefix() const override {
        if (beam_.rows == 0) return {};
        return beam_.tree.common_prefix(beam_.node.data(), static_cast<std::size_t>(beam_.rows));
    }

  private:
    // The best total is in [2^kScale, 2^(kScale + 1)) after each frame. A constraint can leave labellings of
    // nearly no probability in the beam beside one of a high probability, so most of the range is below the
    // best.
    static constexpr std::int64_t kScale = 700;

    bool advance();
    bool keep_all(const typename StayStep<L>::Output& stayed, std::int64_t exponent);
    bool loses_a_symbol(double known_floor, double largest_reach, std::int64_t exponent) const;
    bool loses_a_weight(double known_floor, double most_prob) const;
    // Whether lane_exp() can scale the next frame.
    static bool in_range(double largest) { return exponent_of(largest) >= kScale - 1000; }

    Options options_;
    LaneBeam<L> beam_;
    GuideColumns<L> columns_;
    GuidedLosses<L> losses_;
    // Frames after the current one. Below kNever, so that states from which no text can end are dropped.
    std::int32_t remaining_ = 0;

    LaneFrame<L> frame_;
    LaneCandidates<L> candidates_;
    OpenExtensions<L> open_;
    StayStep<L> stay_;
    GuidedExtendStep<L> extend_;
    SelectStep<L> select_;
    UpdateStep<L> update_;
    PeakFrames<L> peaks_;
    Column<double> ends_;  // by row: the total, times the weight of the end
    std::vector<RankedLabelling> ranked_;
};

template <class L>
bool GuidedLaneSearch<L>::run(const LogProbs& log_probs, Result& result) {
    start(log_probs.classes);
    limit(log_probs.frames);
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        if (!push(log_probs, frame, result.status)) return false;
        if (result.status != Status::ok) {
            result.frame = frame;
            return true;
        }
    }
    if (!ends_in_range()) return false;
    write_best(options_.n_best, options_.frames ? &log_probs : nullptr, result.hypotheses);
    return true;
}

template <class L>
bool GuidedLaneSearch<L>::push(const LogProbs& log_probs, std::int32_t frame, Status& status) {
    status = frame_.read(log_probs, frame, options_.blank);
    if (status != Status::ok) return true;
    if (options_.frames) peaks_.add(frame_);
    --remaining_;
    return beam_.rows == 0 || advance();
}

template <class L>
void GuidedLaneSearch<L>::start(std::int32_t classes) {
    beam_.start(classes, kScale);
    columns_.start(beam_.capacity());
    frame_.start(classes);
    candidates_.start(beam_.capacity());
    extend_.start(classes);
    stay_.start(beam_.capacity());
    losses_.clear();
    peaks_.start();
    limit(Guide::kNever - 1);
}

// The next frame drops labellings that cannot end. Without a next frame this does.
template <class L>
void GuidedLaneSearch<L>::limit(std::int32_t frames) {
    remaining_ = frames;
    if (beam_.rows == 1 && columns_.edges.data()[0].shortest > remaining_) beam_.rows = 0;
}

// Advances the beam by the frame that was read. Returns false if too much may be lost.
template <class L>
bool GuidedLaneSearch<L>::advance() {
    const std::int32_t width = options_.beam_width;
    const std::int64_t exponent = exponent_of(beam_.largest) - kScale;
    columns_.make_room(beam_.rows);
    const auto stayed = stay_.run_guided(beam_, frame_, exponent, candidates_,
                                         columns_.weighted() ? columns_.weight.data() : nullptr);
    const auto prepared = columns_.prepare(beam_, remaining_, candidates_);
    losses_.follow(beam_, frame_, stayed, exponent, columns_, remaining_, candidates_);
    // As in LaneSearch: no extension reaches the least of the unchanged labellings.
    const bool stays_fill_beam = stayed.normal == width && !prepared.drops;
    const double most_prob = std::max(stayed.prob_best, losses_.lost_prob(exponent));
    // A bound of the extensions with a lost weight, which `reach` does not have.
    const double largest_lost = columns_.weighted() ? beam_.largest * most_prob * kMostLostWeight : 0.0;
    if (stays_fill_beam &&
        std::max(prepared.largest_reach * most_prob, largest_lost) < stayed.least * LaneMath<L>::kSlack)
        return keep_all(stayed, exponent);
    const double known_floor =
        extend_.run({beam_, frame_, columns_, columns_.permitted(), open_, stayed, prepared, exponent,
                     remaining_, frame_.best_label(), stays_fill_beam},
                    width, candidates_);
    if (known_floor == 0.0 && losses_.hides_candidates()) return false;
    if (known_floor > 0.0 && known_floor <= largest_lost && loses_a_weight(known_floor, most_prob))
        return false;
    if (loses_a_symbol(known_floor, prepared.largest_reach, exponent)) return false;
    if (stays_fill_beam && candidates_.count == candidates_.stays) return keep_all(stayed, exponent);

    const double floor = std::max(known_floor, LaneMath<L>::kSmallestTotal);
    const auto selected = select_.run(beam_, candidates_, floor, width);
    if (selected.largest < floor) {
        // Nothing is lost where fewer candidates than places are known, so nothing is permitted.
        beam_.rows = 0;
        return true;
    }
    if (!losses_.allow(selected.smallest_kept) || !in_range(selected.largest)) return false;
    const Arrivals<L>& arrivals = update_.find_arrivals(selected.keep, width, candidates_);
    if (!columns_.find_arrivals(arrivals)) return false;
    losses_.find_arrivals(arrivals, beam_);
    update_.run_shrinking(selected.keep, candidates_, beam_);
    losses_.update(update_, beam_.capacity());
    columns_.update(update_, beam_.capacity());
    beam_.largest = selected.largest;
    beam_.exponent += exponent;
    return true;
}

// As in LaneSearch.
template <class L>
bool GuidedLaneSearch<L>::keep_all(const typename StayStep<L>::Output& stayed, std::int64_t exponent) {
    if (!losses_.allow(stayed.least) || !in_range(stayed.largest)) return false;
    losses_.keep_all();
    UpdateStep<L>::keep_all(candidates_, beam_);
    beam_.largest = stayed.largest;
    beam_.exponent += exponent;
    return true;
}

// Whether a symbol may have a probability that lane_exp() returns as 0, or one too small for products with
// the weights of rows. If a floor is known, only the former matters, and only if such a symbol may reach the
// floor.
template <class L>
bool GuidedLaneSearch<L>::loses_a_symbol(double known_floor, double largest_reach,
                                         std::int64_t exponent) const {
    if (known_floor > largest_reach * losses_.lost_prob(exponent)) return false;
    double lowest = kExpLowest;
    if (known_floor == 0.0) {
        const double weight = columns_.lowest_weight(beam_.rows);
        lowest = weight == 0.0
                     ? LaneMath<L>::kInfinity
                     : std::max(lowest, -207.3 + 0.6931471805599453 * static_cast<double>(exponent) -
                                            log_lower_bound(weight));  // ln(1e-90) is -207.2
    }
    const auto possible = L::broadcast(kLowestLog);
    const auto limit = L::broadcast(lowest);
    for (std::int32_t label = 0; label < frame_.classes; label += kLanes) {
        const auto log_probs = L::load(frame_.log_prob.data() + label);
        if ((L::at_least(log_probs, possible) & ~L::at_least(log_probs, limit)) != 0) return true;
    }
    return false;
}

// Whether a row may have a weight that is lost, with which an extension may reach the floor.
template <class L>
bool GuidedLaneSearch<L>::loses_a_weight(double known_floor, double most_prob) const {
    for (std::int32_t row = 0; row < beam_.rows; ++row)
        if (columns_.edges.data()[row].loses_weights() &&
            beam_.total.data()[row] * most_prob * kMostLostWeight >= known_floor)
            return true;
    return false;
}

// Whether the totals of all rows that may end are within the range of a double, with the weights of their
// ends.
template <class L>
bool GuidedLaneSearch<L>::ends_in_range() const {
    for (std::int32_t row = 0; row < beam_.rows; ++row) {
        const double log_weight = columns_.final_log_weight(row);
        if (log_weight == -LaneMath<L>::kInfinity) continue;
        const double log_total = log_lower_bound(beam_.total.data()[row]) + log_weight;
        if (log_weight < kExpLowest || log_total < log_lower_bound(LaneMath<L>::kSmallestTotal)) return false;
    }
    return true;
}

template <class L>
void GuidedLaneSearch<L>::write_best(std::int32_t n_best, const LogProbs* all_frames,
                                     std::vector<Hypothesis>& hypotheses) {
    const std::int32_t rows = whole_lanes(beam_.rows);
    ends_.reserve(static_cast<std::size_t>(rows));
    double* total = ends_.data();
    for (std::int32_t row = 0; row < beam_.rows; ++row) total[row] = columns_.final_log_weight(row);
    std::fill(total + beam_.rows, total + rows, -LaneMath<L>::kInfinity);
    LaneMath<L>::exp_all(total, total, rows, 0);
    for (std::int32_t row = 0; row < beam_.rows; ++row) total[row] *= beam_.total.data()[row];
    // What cannot tie with the best labelling need not be ranked below it.
    const double least = n_best == 1 ? LaneMath<L>::largest(total, rows) * LaneMath<L>::kSlack : 0.0;
    ranked_.clear();
    for (std::int32_t row = 0; row < beam_.rows; ++row)
        if (total[row] > 0.0 && total[row] >= least)
            ranked_.push_back({total[row], {beam_.node.data()[row], PrefixTree::kNone}, 0});
    write_ranked(beam_, ranked_, n_best, all_frames, options_.blank, peaks_, hypotheses);
}

template <class L>
void GuidedLaneSearch<L>::write_leader(std::vector<Hypothesis>& hypotheses) {
    ranked_.clear();
    for (std::int32_t row = 0; row < beam_.rows; ++row)
        ranked_.push_back({beam_.total.data()[row], {beam_.node.data()[row], PrefixTree::kNone}, 0});
    write_ranked(beam_, ranked_, 1, nullptr, options_.blank, peaks_, hypotheses);
}

}  // namespace ctc

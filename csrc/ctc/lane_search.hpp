// FastSearch over one type of lanes (lanes.hpp). Each isa_*.cpp compiles it for one instruction set.
//
// A frame is read (LaneFrame) and takes four steps, each a unit with its inputs and outputs:
//   StayStep    the labellings of the beam, unchanged, one frame later
//   ExtendStep  a floor under what will be kept; FreeExtendStep: the extensions that reach it
//   SelectStep  the beam_width best candidates
//   UpdateStep  the beam becomes those
// Between frames only LaneBeam and the bound on lost probability live on.
//
// What makes it fast, the largest gain first:
// - Probabilities are doubles, scaled each frame by the power of two that brings the best labelling to
//   [1, 2): no logarithm, and no exponent to carry for each labelling.
// - Symbols below the floor are never looked at: some 40 of 1,575 candidates a frame are made.
// - exp() is taken only of the symbols that are looked at, eight at a time.
// - The best candidates are found by bisection, which counts many at a time and sorts nothing.
// - A labelling that stays keeps its row, its node and its links.
// - A frame that changes no labelling of a full beam takes the first step alone: half of them and more.
#pragma once

#include "ctc/lane_free_extend_step.hpp"
#include "ctc/lane_hypotheses.hpp"
#include "ctc/lane_includes.hpp"
#include "ctc/lane_losses.hpp"
#include "ctc/lane_select_step.hpp"
#include "ctc/lane_stay_step.hpp"
#include "ctc/lane_update_step.hpp"

namespace ctc {

template <class L>
class LaneSearch final : public FastSearch {
  public:
    explicit LaneSearch(const Options& options) : options_(options) {}

    bool run(const LogProbs& log_probs, Result& result) override;

    void start(std::int32_t classes) override;
    bool push(const LogProbs& log_probs, std::int32_t frame, Status& status) override;
    void write_best(std::int32_t n_best, const LogProbs* all_frames,
                    std::vector<Hypothesis>& hypotheses) override;
    std::vector<std::int32_t> common_prefix() const override {
        return beam_.tree.common_prefix(beam_.node.data(), static_cast<std::size_t>(beam_.rows));
    }

  private:
    static constexpr double kSmallestSymbol = 1e-90;  // times kUnderflow still a normal double

    bool advance();
    bool keep_all(const typename StayStep<L>::Output& stayed, std::int64_t exponent);
    bool loses_a_symbol() const;

    Options options_;
    LaneBeam<L> beam_;
    LaneLosses<L> losses_;

    // Memory that the steps use within a frame, kept to avoid allocations.
    LaneFrame<L> frame_;
    LaneCandidates<L> candidates_;
    FreeExtendStep<L> extend_;
    LaneSymbols<L> symbols_;
    StayStep<L> stay_;
    SelectStep<L> select_;
    UpdateStep<L> update_;
    PeakFrames<L> peaks_;
    std::vector<RankedLabelling> ranked_;
};

template <class L>
bool LaneSearch<L>::run(const LogProbs& log_probs, Result& result) {
    start(log_probs.classes);
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        if (!push(log_probs, frame, result.status)) return false;
        if (result.status != Status::ok) {
            result.frame = frame;
            return true;
        }
    }
    write_best(options_.n_best, options_.frames ? &log_probs : nullptr, result.hypotheses);
    return true;
}

template <class L>
bool LaneSearch<L>::push(const LogProbs& log_probs, std::int32_t frame, Status& status) {
    status = frame_.read(log_probs, frame, options_.blank);
    if (status != Status::ok) return true;
    if (options_.frames) peaks_.add(frame_);
    return advance();
}

template <class L>
void LaneSearch<L>::start(std::int32_t classes) {
    beam_.start(classes);
    frame_.start(classes);
    candidates_.start(beam_.capacity());
    extend_.start(classes);
    symbols_.reserve(classes);
    stay_.start(beam_.capacity());
    losses_.clear();
    peaks_.start();
}

// Advances the beam by the frame that was read. Returns false if too much may be lost.
template <class L>
bool LaneSearch<L>::advance() {
    const std::int32_t width = options_.beam_width;
    const std::int64_t exponent = exponent_of(beam_.largest);
    const auto stayed = stay_.run(beam_, frame_, exponent, candidates_);
    losses_.add(frame_, stayed, exponent, beam_.rows);
    // In half of the frames or more no extension reaches the least of the unchanged labellings.
    if (stayed.normal == width && beam_.largest * stayed.prob_best < stayed.least * LaneMath<L>::kSlack)
        return keep_all(stayed, exponent);
    const double known_floor = ExtendStep<L>::floor_of_kept(beam_, frame_, stayed, width, candidates_);
    ExtendStep<L>::collect_symbols(beam_.largest, frame_, exponent, known_floor, symbols_);
    if (known_floor == 0.0 && (losses_.any() || loses_a_symbol())) return false;

    const double floor = std::max(known_floor, LaneMath<L>::kSmallestTotal);
    extend_.run(beam_, symbols_, stayed, known_floor, candidates_);
    const auto selected = select_.run(beam_, candidates_, floor, width);
    if (!losses_.allow(selected.smallest_kept)) return false;
    update_.find_arrivals(selected.keep, width, candidates_);
    if (!update_.run(selected.keep, candidates_, beam_)) return false;
    beam_.largest = selected.largest;
    beam_.exponent += exponent;
    return true;
}

// Advances the beam by a frame after which it has the same labellings: what advance() does, without the steps
// that would find no extension.
template <class L>
bool LaneSearch<L>::keep_all(const typename StayStep<L>::Output& stayed, std::int64_t exponent) {
    if (!losses_.allow(stayed.least)) return false;
    UpdateStep<L>::keep_all(candidates_, beam_);
    beam_.largest = stayed.largest;
    beam_.exponent += exponent;
    return true;
}

template <class L>
bool LaneSearch<L>::loses_a_symbol() const {
    const std::int32_t padded = whole_lanes(symbols_.count);
    return L::count(symbols_.prob.data(), padded, kSmallestSymbol) < symbols_.count;
}

template <class L>
void LaneSearch<L>::write_best(std::int32_t n_best, const LogProbs* all_frames,
                               std::vector<Hypothesis>& hypotheses) {
    // What cannot tie with the best labelling need not be ranked below it.
    const double least = n_best == 1 ? beam_.largest * LaneMath<L>::kSlack : 0.0;
    ranked_.clear();
    for (std::int32_t row = 0; row < beam_.rows; ++row)
        if (beam_.total.data()[row] >= least)
            ranked_.push_back({beam_.total.data()[row], {beam_.node.data()[row], PrefixTree::kNone}, 0});
    write_ranked(beam_, ranked_, n_best, all_frames, options_.blank, peaks_, hypotheses);
}

}  // namespace ctc

// ExactSearch with a guide: the steps of a frame that differ, and the end.
#include <algorithm>

#include "ctc/exact_search.hpp"
#include "ctc/ranking.hpp"

namespace ctc {

namespace {

constexpr std::int32_t kNone = PrefixArena::kNone;

std::size_t index(std::int32_t value) {
    return static_cast<std::size_t>(value);
}

}  // namespace

void ExactSearch::start_guided() {
    const Guide& guide = *options_.guide;
    row_.resize(index(guide.classes()));
    row_log_weights_.resize(index(guide.classes()));
    beam_[0].state = guide.start();
    limit(Guide::kNever - 1);
}

// What cannot end is dropped by the next frame. But there may be none.
void ExactSearch::limit(std::int32_t frames) {
    if (options_.guide == nullptr) return;
    remaining_ = frames;
    if (beam_.size() == 1 && options_.guide->shortest(beam_[0].state) > frames) beam_.clear();
}

// Removes the unchanged labellings that cannot end in the frames that remain. Their children have received
// what they contribute.
void ExactSearch::drop_unfinishable() {
    candidates_.erase(std::remove_if(candidates_.begin(), candidates_.end(),
                                     [&](const Candidate& candidate) {
                                         const Entry& entry = beam_[index(candidate.entry)];
                                         return options_.guide->shortest(entry.state) > remaining_;
                                     }),
                      candidates_.end());
}

// Sets the floor from the unchanged labellings alone: which extensions are permitted is not known yet.
void ExactSearch::set_floor_guided() {
    floor_ = Prob{};
    const std::size_t width = index(options_.beam_width);
    if (candidates_.size() < width) return;
    bounds_.clear();
    for (const Candidate& candidate : candidates_) bounds_.push_back(candidate.total);
    const auto last = bounds_.begin() + static_cast<std::ptrdiff_t>(width - 1);
    std::nth_element(bounds_.begin(), last, bounds_.end(), [](Prob a, Prob b) { return b < a; });
    floor_ = below_ties(*last);
}

// Adds every permitted extension that reaches the floor, whose labelling is not in the beam, and that can end
// in the frames that remain. A row of the guide is computed again in every frame, so that memory does not
// grow with the beam.
void ExactSearch::extend_guided() {
    const Guide& guide = *options_.guide;
    successors_.clear();
    for (std::int32_t i = 0; index(i) < beam_.size(); ++i) {
        const Entry& entry = beam_[index(i)];
        guide.row(entry.state, row_.data(), row_log_weights_.data());
        take(i, i);
        for (const Symbol& symbol : symbols_) {
            const Guide::State state = row_[index(symbol.label)];
            if (state == Guide::kDead || taken_by_[index(symbol.label)] == i) continue;
            const Prob weight = prob_from_log(row_log_weights_[index(symbol.label)]);
            const Prob prob = extension(entry, symbol.label) * weight;
            if (!prob.positive() || prob < floor_) continue;
            if (guide.shortest_after(symbol.label, state) > remaining_) continue;
            candidates_.push_back({prob, i, symbol.label, static_cast<std::int32_t>(successors_.size())});
            successors_.push_back({state, weight});
        }
        take(i, kNone);
    }
}

// Returns the labellings that may end, with their final weights in the totals, in rank order.
const std::vector<ExactSearch::Entry>& ExactSearch::ended() {
    candidates_.clear();
    for (std::size_t i = 0; i < beam_.size(); ++i) {
        const double log_weight = options_.guide->final_log_weight(beam_[i].state);
        const Prob total = beam_[i].total * prob_from_log(log_weight);
        if (total.positive()) candidates_.push_back({total, static_cast<std::int32_t>(i), kNone});
    }
    rank_candidates();
    ended_.clear();
    for (const Candidate& candidate : candidates_) {
        ended_.push_back(beam_[index(candidate.entry)]);
        ended_.back().total = candidate.total;
    }
    return ended_;
}

}  // namespace ctc

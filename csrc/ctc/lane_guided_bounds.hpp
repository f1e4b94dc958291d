// Extensions of a guided frame for a lower bound on what will be kept.
#pragma once

#include "ctc/lane_extend_step.hpp"
#include "ctc/lane_guided_frame.hpp"

namespace ctc {

// The floor is closer the better the extensions that it is made from. So a row contributes its extension by
// the frame's most probable class, or, if it does not permit that, by the most probable one that it permits;
// the search for that one is left out where the unchanged labellings fill the beam, so that there is a floor
// anyway, for large alphabets, and where rows permit many different sets.
template <class L>
class GuidedBounds {
  public:
    using Frame = GuidedFrame<L>;

    // Writes behind the candidates a permitted extension of each row, for the floor alone; 0 for others.
    void write(const Frame& in, LaneCandidates<L>& candidates);

  private:
    using D = typename L::D;
    static constexpr std::size_t kMostSets = 4;
    static constexpr std::int32_t kMostWords = 4;

    // The most probable class of those that `row` permits.
    struct Best {
        std::int32_t row;
        std::int32_t label;
        double log_prob;
    };

    void write_other_classes(const Frame& in, double* bound);
    static Best best_of(const Frame& in, std::int32_t row);
    static bool same_set(const Frame& in, std::int32_t a, std::int32_t b);

    std::vector<Best> best_;
    std::vector<std::int32_t> searched_;  // rows for which best_ is needed
};

template <class L>
void GuidedBounds<L>::write(const Frame& in, LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    double* bound = candidates.total.data() + candidates.count;
    const double prob = in.stayed.prob_best;
    const D best = L::broadcast(prob);
    for (std::int32_t row = 0; row < stays; row += kLanes)
        L::store(bound + row, L::mul(L::load(in.beam.total.data() + row), best));
    const std::int32_t label = in.frame.best_label();
    ExtendStep<L>::correct_skipped(in.beam, in.beam.blank.data(), in.skipped, label, prob, bound);

    // Where the unchanged labellings fill the beam, what is below the least of them contributes nothing.
    const double least = in.stays_fill_beam ? in.stayed.least * LaneMath<L>::kSlack : 0.0;
    const D nothing = L::broadcast(least);
    const double* reach = in.columns.reach.data();
    searched_.clear();
    for (std::int32_t first = 0; first < stays; first += 64) {
        const std::int32_t end = std::min(stays, first + 64);
        std::uint64_t open = 0;
        for (std::int32_t row = first; row < end; row += kLanes)
            open |= std::uint64_t{0xffU & ~L::at_least(nothing, L::mul(L::load(reach + row), best))}
                    << (row - first);
        const std::uint64_t permitted = in.permitting(first, end, label);
        if (!in.plain())
            for (std::uint64_t bits = open & permitted; bits != 0; bits &= bits - 1) {
                const std::int32_t row = first + lowest_bit(bits);
                if (bound[row] > 0.0) bound[row] *= in.weight(row, label);
            }
        const std::uint64_t all =
            end - first < 64 ? (std::uint64_t{1} << (end - first)) - 1 : ~std::uint64_t{0};
        for (std::uint64_t bits = all & ~(open & permitted); bits != 0; bits &= bits - 1)
            bound[first + lowest_bit(bits)] = 0.0;
        for (std::uint64_t bits = open & ~permitted; bits != 0; bits &= bits - 1)
            searched_.push_back(first + lowest_bit(bits));
    }
    if (!in.stays_fill_beam && in.columns.words() <= kMostWords) write_other_classes(in, bound);
}

// Sets the bounds of the rows of searched_.
template <class L>
void GuidedBounds<L>::write_other_classes(const Frame& in, double* bound) {
    best_.clear();
    for (const std::int32_t row : searched_) {
        std::size_t i = 0;
        while (i < best_.size() && !same_set(in, best_[i].row, row)) ++i;
        if (i == best_.size()) {
            if (i == kMostSets) continue;
            best_.push_back(best_of(in, row));
        }
        const std::int32_t label = best_[i].label;
        if (!(best_[i].log_prob >= kLowestLog) || in.taken(row, label)) continue;
        // Not its probability yet: one exponential of all is quicker.
        const double* source =
            in.beam.last.data()[row] == label ? in.beam.blank.data() : in.beam.total.data();
        bound[row] = source[row] * (in.plain() ? 1.0 : in.weight(row, label));
    }
    static_assert(kMostSets <= kLanes, "one register");
    double probs[kLanes] = {};
    for (std::size_t i = 0; i < best_.size(); ++i) probs[i] = best_[i].log_prob;
    LaneMath<L>::exp_all(probs, probs, kLanes, in.exponent);
    for (const std::int32_t row : searched_) {
        if (!(bound[row] > 0.0)) continue;
        std::size_t i = 0;
        while (!same_set(in, best_[i].row, row)) ++i;
        bound[row] *= probs[i];
    }
}

template <class L>
typename GuidedBounds<L>::Best GuidedBounds<L>::best_of(const Frame& in, std::int32_t row) {
    Best best{row, 0, -LaneMath<L>::kInfinity};
    for (std::int32_t word = 0; word < in.columns.words(); ++word) {
        const double* log_prob = in.frame.log_prob.data() + 64 * word;
        for (std::uint64_t bits = in.columns.permitted(word)[row]; bits != 0; bits &= bits - 1) {
            const std::int32_t place = lowest_bit(bits);
            if (log_prob[place] > best.log_prob) best = {row, 64 * word + place, log_prob[place]};
        }
    }
    return best;
}

template <class L>
bool GuidedBounds<L>::same_set(const Frame& in, std::int32_t a, std::int32_t b) {
    for (std::int32_t word = 0; word < in.columns.words(); ++word)
        if (in.columns.permitted(word)[a] != in.columns.permitted(word)[b]) return false;
    return true;
}

}  // namespace ctc

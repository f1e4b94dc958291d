// Extensions of a guided frame from which a lower bound (floor) on the totals that will be kept follows.
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

    // Writes behind the candidates the total of a permitted extension of each row, for the floor alone; 0 if
    // none was found.
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
    std::vector<std::size_t> set_;        // of each of them: its place in best_
};

template <class L>
void GuidedBounds<L>::write(const Frame& in, LaneCandidates<L>& candidates) {
    const std::int32_t stays = candidates.stays;
    double* bound = candidates.total.data() + candidates.count;
    const double prob = in.stayed.prob_best;
    const D best = L::broadcast(prob);
    for (std::int32_t row = 0; row < stays; row += kLanes)
        L::store(bound + row, L::mul(L::load(in.beam.total.data() + row), best));
    const std::int32_t label = in.best_label;

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
        const std::uint64_t permitted = in.rows_with(in.columns.permitted(label / 64), first, end, label);
        std::uint64_t closed = permitted & ~in.rows_with(in.open.of(label / 64), first, end, label);
        for (; closed != 0; closed &= closed - 1) {
            const std::int32_t row = first + lowest_bit(closed);
            bound[row] = in.taken(row, label) ? 0.0 : in.beam.blank.data()[row] * prob;
        }
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
    set_.clear();
    std::size_t written = 0;
    for (const std::int32_t row : searched_) {
        std::size_t set = 0;
        while (set < best_.size() && !same_set(in, best_[set].row, row)) ++set;
        if (set == best_.size()) {
            if (set == kMostSets) continue;
            best_.push_back(best_of(in, row));
        }
        const std::int32_t label = best_[set].label;
        if (!(best_[set].log_prob >= kLowestLog) || in.taken(row, label)) continue;
        // Not its probability yet: one exponential of all is quicker.
        const double* source =
            in.beam.last.data()[row] == label ? in.beam.blank.data() : in.beam.total.data();
        bound[row] = source[row] * (in.plain() ? 1.0 : in.weight(row, label));
        searched_[written++] = row;
        set_.push_back(set);
    }
    static_assert(kMostSets <= kLanes, "one register");
    double probs[kLanes] = {};
    for (std::size_t set = 0; set < best_.size(); ++set) probs[set] = best_[set].log_prob;
    LaneMath<L>::exp_all(probs, probs, kLanes, in.exponent);
    for (std::size_t i = 0; i < written; ++i) bound[searched_[i]] *= probs[set_[i]];
}

template <class L>
typename GuidedBounds<L>::Best GuidedBounds<L>::best_of(const Frame& in, std::int32_t row) {
    const double* log_prob = in.frame.log_prob.data();
    const auto permitted = [&](std::int32_t first) {
        return static_cast<unsigned>(in.columns.permitted(first / 64)[row] >> (first % 64)) & 0xffU;
    };
    double permitted_log_probs[64 * kMostWords + kLanes];
    std::int32_t count = 0;
    for (std::int32_t first = 0; first < in.frame.classes; first += kLanes) {
        const unsigned mask = permitted(first);
        if (mask == 0) continue;
        L::compress(permitted_log_probs + count, L::load(log_prob + first), mask);
        count += L::popcount(mask);
    }
    const D lowest = L::broadcast(-LaneMath<L>::kInfinity);
    L::store(permitted_log_probs + count, lowest);
    D most = lowest;
    for (std::int32_t i = 0; i < count; i += kLanes) most = L::max(L::load(permitted_log_probs + i), most);
    const double best = LaneMath<L>::largest(most);
    if (!(best >= kLowestLog)) return {row, 0, best};
    const D wanted = L::broadcast(best);
    for (std::int32_t first = 0;; first += kLanes) {
        const unsigned mask = L::at_least(L::load(log_prob + first), wanted) & permitted(first);
        if (mask != 0) return {row, first + lowest_bit(mask), best};
    }
}

template <class L>
bool GuidedBounds<L>::same_set(const Frame& in, std::int32_t a, std::int32_t b) {
    for (std::int32_t word = 0; word < in.columns.words(); ++word)
        if (in.columns.permitted(word)[a] != in.columns.permitted(word)[b]) return false;
    return true;
}

}  // namespace ctc

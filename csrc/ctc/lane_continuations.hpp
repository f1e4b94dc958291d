// Upper bounds of the probability of what may follow a label, for the search over prefixes.
//
// A_k(t) bounds, for any continuation s, the probability that the frames behind t add exactly s to a
// labelling that has label k at t. It follows backwards from its definition, as the larger one of
// - E_k(t): nothing is added: the frames are k up to some frame, and blank behind it;
// - the largest N_kj(t) = sum over u > t of (frames t+1 to u-1 add nothing) * y_j(u) * A_j(u) of any label j,
//   where the frames between must contain a blank if j = k. For the s that begins with j, the sum is not
//   below its probability, because A_j(u) is not, whatever follows j.
//
// With B_j(t), the part of N_kj(t) that does not depend on k (frame t is no label, or a label that has
// ended),
//     N_kj(t-1) = y_k(t) * N_kj(t) + B_j(t-1),    N_kk(t-1) = y_k(t) * N_kk(t) + blank(t) * B_k(t),
// which takes classes^2 operations a frame. But of a frame few classes have more than a small probability.
// For the others the largest N_kj(t-1) is hardly below y_k(t) * (the largest N_kj(t)) + (the largest
// B_j(t-1)), which is used in its place: a frame then takes a few operations for each class.
#pragma once

#include "ctc/lane_math.hpp"

namespace ctc {

// Keeps its memory between sequences.
template <class L>
class LaneContinuations {
  public:
    // Writes probs * A to weights. All arrays have `stride` elements for each frame, of which those behind
    // the classes are 0; `stride` is a multiple of a register. The blank's probabilities are in `blank`.
    void run(const double* probs, const double* blank, std::int32_t frames, std::int32_t stride,
             double* weights);

  private:
    using D = typename L::D;

    // Classes with at least this probability in a frame have N_kj of their own for it. A smaller one makes
    // the bound closer and slower.
    static constexpr double kStrong = 0.05;
    static constexpr std::int32_t kNone = -1;

    void start(std::int32_t stride);
    double begin_frame(const double* weights, double blank);
    double step_own(std::int32_t k, double stay);

    std::int32_t stride_ = 0;
    Column<double> behind_blank_;  // blank(t) * B_j(t)
    Column<double> begins_;        // B_j(t-1)
    Column<double> begins_later_;  // B_j(t)
    Column<double> ends_;          // E_k
    Column<double> largest_;       // at least the largest N_kj
    Column<double> beside_;        // where a class has no N_kj of its own: N_kj - B_j is at most this
    // The classes with N_kj of their own, and their places in steps_: in frame t, and in frame t-1.
    std::vector<std::int32_t> owners_, next_owners_;
    std::vector<std::int32_t> place_;  // by class; kNone if it has none in frame t
    Column<double> steps_, next_steps_;
};

template <class L>
void LaneContinuations<L>::start(std::int32_t stride) {
    stride_ = stride;
    const auto size = static_cast<std::size_t>(stride);
    for (Column<double>* column : {&behind_blank_, &begins_, &begins_later_, &ends_, &largest_, &beside_}) {
        column->reserve(size);
        std::fill_n(column->data(), size, 0.0);
    }
    std::fill_n(ends_.data(), size, 1.0);
    place_.assign(size, kNone);
    owners_.clear();
}

template <class L>
void LaneContinuations<L>::run(const double* probs, const double* blank, std::int32_t frames,
                               std::int32_t stride, double* weights) {
    start(stride);
    const std::ptrdiff_t size = stride;
    double* weight = weights + (frames - 1) * size;
    std::memcpy(weight, probs + (frames - 1) * size, static_cast<std::size_t>(size) * sizeof(double));
    double end_after_blank = 1.0;
    for (std::int32_t frame = frames - 1; frame > 0; --frame, weight -= size) {
        const double* stays = probs + frame * size;
        const D begin = L::broadcast(begin_frame(weight, blank[frame]));
        const D end = L::broadcast(blank[frame] * end_after_blank);
        next_owners_.clear();
        for (std::int32_t k = 0; k < stride_; k += kLanes) {
            const D stay = L::load(stays + k);
            const unsigned strong = L::at_least(stay, L::broadcast(kStrong));
            double own[kLanes];
            for (unsigned mask = strong; mask != 0; mask &= mask - 1) {
                const std::int32_t lane = lowest_bit(mask);
                own[lane] = step_own(k + lane, stays[k + lane]);
            }
            const D beside = L::mul(stay, L::load(largest_.data() + k));
            L::store(beside_.data() + k, beside);
            L::store(largest_.data() + k, L::add(beside, begin));
            for (unsigned mask = strong; mask != 0; mask &= mask - 1) {
                const std::int32_t lane = lowest_bit(mask);
                largest_.data()[k + lane] = own[lane];
            }
            const D ends = L::add(L::mul(stay, L::load(ends_.data() + k)), end);
            L::store(ends_.data() + k, ends);
            const D most = L::max(ends, L::load(largest_.data() + k));
            L::store(weight - size + k, L::mul(L::load(stays - size + k), most));
        }
        for (const std::int32_t k : owners_) place_[static_cast<std::size_t>(k)] = kNone;
        for (std::size_t i = 0; i < next_owners_.size(); ++i)
            place_[static_cast<std::size_t>(next_owners_[i])] = static_cast<std::int32_t>(i);
        owners_.swap(next_owners_);
        steps_.swap(next_steps_);
        end_after_blank *= blank[frame];
    }
}

// Fills behind_blank_ and begins_ from the weights of frame t; returns the largest of begins_.
template <class L>
double LaneContinuations<L>::begin_frame(const double* weights, double blank) {
    begins_.swap(begins_later_);
    D most = L::broadcast(0.0);
    for (std::int32_t j = 0; j < stride_; j += kLanes) {
        const D behind = L::mul(L::broadcast(blank), L::load(begins_later_.data() + j));
        const D begin = L::add(behind, L::load(weights + j));
        L::store(behind_blank_.data() + j, behind);
        L::store(begins_.data() + j, begin);
        most = L::max(begin, most);
    }
    return LaneMath<L>::largest(most);
}

// Writes N_kj(t-1) of a class to next_steps_; returns the largest.
template <class L>
double LaneContinuations<L>::step_own(std::int32_t k, double stay) {
    const auto size = static_cast<std::size_t>(stride_);
    next_owners_.push_back(k);
    next_steps_.reserve(next_owners_.size() * size);
    double* next = next_steps_.data() + (next_owners_.size() - 1) * size;
    const std::int32_t place = place_[static_cast<std::size_t>(k)];
    // N_kj(t), or what it is at most.
    const double* later =
        place == kNone ? begins_later_.data() : steps_.data() + place * std::ptrdiff_t{stride_};
    const D beside = L::broadcast(place == kNone ? beside_.data()[k] : 0.0);
    const double same = stay * (later[k] + (place == kNone ? beside_.data()[k] : 0.0));
    const D factor = L::broadcast(stay);
    for (std::int32_t j = 0; j < stride_; j += kLanes) {
        const D sum = L::mul(factor, L::add(L::load(later + j), beside));
        L::store(next + j, L::add(sum, L::load(begins_.data() + j)));
    }
    next[k] = same + behind_blank_.data()[k];  // a repeated label needs a blank between
    return LaneMath<L>::largest(next, stride_);
}

}  // namespace ctc

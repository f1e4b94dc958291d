// Best-first search over prefixes (Graves 2006, section 3.2), with a bound on each prefix's best labelling.
//
// Graves ranks a prefix by the probability of all labellings that begin with it. Where several places of a
// sequence are ambiguous, these sums stay above the best labelling for exponentially many prefixes. Here a
// prefix is ranked by an upper bound of the most probable single labelling that begins with it:
//
//     sum over frames t of  (probability that label k is appended to the prefix at t) * A_k(t)
//
// where A_k(t) bounds, for any continuation s, the probability that the frames behind t add exactly s to a
// labelling that has label k at t (lane_continuations.hpp).
#pragma once

#include "ctc/lane_continuations.hpp"
#include "ctc/lane_includes.hpp"
#include "ctc/lane_posteriors.hpp"

namespace ctc {

// Keeps its memory between sequences.
template <class L>
class LanePrefixSearch {
  public:
    // Classes times frames above this are not searched.
    static constexpr std::size_t kMostProbs = std::size_t{1} << 22;

    // Offers every labelling that may be more probable than `best`, which must have one already, and returns
    // an upper bound of the probability of any labelling that was not offered. It is 0 if the search has
    // ended, else it has stored `most_nodes` prefixes.
    double run(const LogProbs& log_probs, std::int32_t blank, const LanePosteriors<L>& posteriors,
               std::int32_t most_nodes, BestOffer& best);

  private:
    using D = typename L::D;

    static constexpr std::int32_t kNone = -1;
    static constexpr std::size_t kMostSums = std::size_t{1} << 22;  // stored doubles: 32 MB
    static constexpr double kNothing = -1e4;                        // its exponential is 0

    // The sums of a prefix over its alignments to the first t frames, for t from 0 to the number of frames.
    struct Sums {
        std::vector<double> blank;  // those that end in blank
        std::vector<double> label;  // those that end in its last label
    };
    struct Node {
        std::int32_t parent;
        std::int32_t symbol;  // place in classes_
        std::int32_t sums;    // place in sums_, or kNone
    };
    struct Open {
        double bound;
        std::int32_t node;
        bool operator<(const Open& other) const {
            return bound != other.bound ? bound < other.bound : node > other.node;
        }
    };

    static std::size_t index(std::int32_t value) { return static_cast<std::size_t>(value); }

    bool read(const LogProbs& log_probs, std::int32_t blank, const LanePosteriors<L>& posteriors,
              double least);
    template <class T>
    void read_row(const unsigned char* row, std::ptrdiff_t stride, double log_sum, double* to) const;
    void start();
    const Sums& sums_of(std::int32_t node);
    void extend(const Sums& from, std::int32_t last, std::int32_t symbol, Sums& to) const;
    void bound_children(const Sums& sums, std::int32_t last);
    std::vector<std::int32_t> labels_of(std::int32_t node) const;

    std::int32_t frames_ = 0;
    std::vector<std::int32_t> classes_;  // those that the best labelling can have
    std::int32_t stride_ = 0;            // their number, in whole registers
    Column<double> blank_;               // of each frame
    Column<double> probs_;               // of each frame and each of classes_; behind those 0
    Column<double> weights_;             // probs_ times A
    LaneContinuations<L> continuations_;
    std::vector<Node> nodes_;
    std::vector<Open> open_;  // a heap
    std::vector<Sums> sums_;
    std::size_t num_sums_ = 0;
    Sums scratch_[2];
    std::vector<std::int32_t> chain_;
    Column<double> reached_;  // of each frame: the sum of the prefix that is extended
    Column<double> bounds_;   // of the children of a prefix
};

template <class L>
double LanePrefixSearch<L>::run(const LogProbs& log_probs, std::int32_t blank,
                                const LanePosteriors<L>& posteriors, std::int32_t most_nodes,
                                BestOffer& best) {
    const double raise = 1.0 + posteriors.margin();
    if (!read(log_probs, blank, posteriors, best.highest() / raise)) return 1.0;
    if (frames_ > 0) continuations_.run(probs_.data(), blank_.data(), frames_, stride_, weights_.data());
    start();
    while (!open_.empty()) {
        const Open next = open_.front();
        if (next.bound * raise < best.highest()) return 0.0;  // and so has every other prefix
        std::pop_heap(open_.begin(), open_.end());
        open_.pop_back();
        const std::int32_t last = nodes_[index(next.node)].symbol;
        const Sums& sums = sums_of(next.node);
        const double prob = sums.blank.back() + sums.label.back();
        if (best.reaches(prob)) best.offer(labels_of(next.node), prob);
        bound_children(sums, last);
        const D highest = L::broadcast(best.highest());
        for (std::int32_t first = 0; first < stride_; first += kLanes) {
            const D raised = L::mul(L::load(bounds_.data() + first), L::broadcast(raise));
            for (unsigned mask = L::at_least(raised, highest); mask != 0; mask &= mask - 1) {
                if (nodes_.size() >= index(most_nodes)) return next.bound * raise;
                const std::int32_t symbol = first + lowest_bit(mask);
                const auto node = static_cast<std::int32_t>(nodes_.size());
                nodes_.push_back({next.node, symbol, kNone});
                open_.push_back({bounds_.data()[symbol], node});
                std::push_heap(open_.begin(), open_.end());
            }
        }
    }
    return 0.0;
}

// Reads the probabilities of the blank and of the classes that a labelling of probability `least` can have.
// Returns false if these are too many.
template <class L>
bool LanePrefixSearch<L>::read(const LogProbs& log_probs, std::int32_t blank,
                               const LanePosteriors<L>& posteriors, double least) {
    frames_ = log_probs.frames;
    classes_.clear();
    for (std::int32_t k = 0; k < log_probs.classes; ++k)
        if (k != blank && posteriors.class_masses()[k] >= least) classes_.push_back(k);
    stride_ = whole_lanes(static_cast<std::int32_t>(classes_.size()));
    const std::size_t size = index(frames_) * index(stride_);
    if (index(frames_) + size > kMostProbs) return false;
    const std::size_t padded = index(whole_lanes(frames_));
    for (Column<double>* column : {&blank_, &reached_}) column->reserve(padded);
    for (Column<double>* column : {&probs_, &weights_}) column->reserve(size);
    bounds_.reserve(index(stride_));
    double* to = probs_.data();
    for (std::int32_t frame = 0; frame < frames_; ++frame, to += stride_) {
        const unsigned char* row = log_probs.data + frame * log_probs.frame_stride;
        const double log_sum = posteriors.log_sums()[index(frame)];
        blank_.data()[frame] = log_probs.at(frame, blank) - log_sum;
        if (log_probs.dtype == Dtype::float32)
            read_row<float>(row, log_probs.class_stride, log_sum, to);
        else
            read_row<double>(row, log_probs.class_stride, log_sum, to);
    }
    LaneMath<L>::exp_all(blank_.data(), blank_.data(), frames_, 0);
    LaneMath<L>::exp_all(probs_.data(), probs_.data(), static_cast<std::int32_t>(size), 0);
    return true;
}

template <class L>
template <class T>
void LanePrefixSearch<L>::read_row(const unsigned char* row, std::ptrdiff_t stride, double log_sum,
                                   double* to) const {
    std::size_t i = 0;
    for (; i < classes_.size(); ++i) {
        T value;
        std::memcpy(&value, row + classes_[i] * stride, sizeof value);
        to[i] = static_cast<double>(value) - log_sum;
    }
    for (; i < index(stride_); ++i) to[i] = kNothing;
}

// Starts with the empty prefix.
template <class L>
void LanePrefixSearch<L>::start() {
    const std::size_t size = index(frames_) + 1;
    nodes_.assign(1, {kNone, kNone, 0});
    open_.assign(1, {1.0, 0});
    if (sums_.empty()) sums_.emplace_back();
    num_sums_ = 1;
    sums_[0].label.assign(size, 0.0);
    sums_[0].blank.assign(size, 1.0);
    for (std::size_t t = 0; t + 1 < size; ++t) sums_[0].blank[t + 1] = sums_[0].blank[t] * blank_.data()[t];
}

// Returns the sums of a prefix from those of its parent. Once kMostSums are stored, from those of the nearest
// ancestor that has some.
template <class L>
const typename LanePrefixSearch<L>::Sums& LanePrefixSearch<L>::sums_of(std::int32_t node) {
    chain_.clear();
    for (; nodes_[index(node)].sums == kNone; node = nodes_[index(node)].parent) chain_.push_back(node);
    const Sums* sums = &sums_[index(nodes_[index(node)].sums)];
    for (; !chain_.empty(); chain_.pop_back()) {
        Node& next = nodes_[index(chain_.back())];
        const std::int32_t last = nodes_[index(next.parent)].symbol;
        if (2 * (index(frames_) + 1) * (num_sums_ + 1) > kMostSums) {
            Sums& to = sums == &scratch_[0] ? scratch_[1] : scratch_[0];
            extend(*sums, last, next.symbol, to);
            sums = &to;
            continue;
        }
        if (num_sums_ == sums_.size()) {
            const std::int32_t from = nodes_[index(next.parent)].sums;  // a new element moves the others
            sums_.emplace_back();
            sums = &sums_[index(from)];
        }
        extend(*sums, last, next.symbol, sums_[num_sums_]);
        next.sums = static_cast<std::int32_t>(num_sums_);
        sums = &sums_[num_sums_++];
    }
    return *sums;
}

// The sums of a prefix with one label appended. A repeated label needs a blank between.
template <class L>
void LanePrefixSearch<L>::extend(const Sums& from, std::int32_t last, std::int32_t symbol, Sums& to) const {
    const std::size_t size = index(frames_) + 1;
    to.label.resize(size);
    to.blank.resize(size);
    double label = to.label[0] = 0.0;
    double blank = to.blank[0] = 0.0;
    const double from_label = last == symbol ? 0.0 : 1.0;
    const double* probs = probs_.data() + symbol;
    for (std::size_t t = 0; t + 1 < size; ++t, probs += stride_) {
        blank = (blank + label) * blank_.data()[t];
        label = (label + from.blank[t] + from_label * from.label[t]) * *probs;
        to.blank[t + 1] = blank;
        to.label[t + 1] = label;
    }
}

// Fills bounds_ for each label that can be appended to a prefix.
template <class L>
void LanePrefixSearch<L>::bound_children(const Sums& sums, std::int32_t last) {
    double* reached = reached_.data();
    double repeated = 0.0;
    for (std::int32_t t = 0; t < frames_; ++t) reached[t] = sums.blank[index(t)] + sums.label[index(t)];
    for (std::int32_t j = 0; j < stride_; j += kLanes) {
        D bound = L::broadcast(0.0);
        const double* weights = weights_.data() + j;
        for (std::int32_t t = 0; t < frames_; ++t, weights += stride_)
            bound = L::add(bound, L::mul(L::broadcast(reached[t]), L::load(weights)));
        L::store(bounds_.data() + j, bound);
    }
    if (last == kNone) return;
    for (std::int32_t t = 0; t < frames_; ++t)
        repeated += sums.blank[index(t)] * weights_.data()[std::ptrdiff_t{t} * stride_ + last];
    bounds_.data()[last] = repeated;
}

template <class L>
std::vector<std::int32_t> LanePrefixSearch<L>::labels_of(std::int32_t node) const {
    std::vector<std::int32_t> labels;
    for (; node != 0; node = nodes_[index(node)].parent)
        labels.push_back(classes_[index(nodes_[index(node)].symbol)]);
    std::reverse(labels.begin(), labels.end());
    return labels;
}

}  // namespace ctc

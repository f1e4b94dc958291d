// The prefixes that a best-first search has stored, and their sums over alignments.
#pragma once

#include "ctc/lane_includes.hpp"
#include "ctc/lane_posteriors.hpp"

namespace ctc {

// Keeps its memory between sequences.
template <class L>
class LanePrefixes {
  public:
    static constexpr std::int32_t kNone = -1;

    // The sums of a prefix over its alignments to the first t frames, for t from 0 to the number of frames.
    struct Sums {
        std::vector<double> blank;  // those that end in blank
        std::vector<double> label;  // those that end in its last label
        double prob() const { return blank.back() + label.back(); }
    };
    // A prefix that can be extended. In a heap of them the one with the highest bound comes first.
    struct Open {
        double bound;
        std::int32_t node;
        bool operator<(const Open& other) const {
            return bound != other.bound ? bound < other.bound : node > other.node;
        }
    };

    // Reads the probabilities of the blank, and of the classes for which wanted(class) is true. Returns false
    // if these are too many.
    template <class Wanted>
    bool read(const LogProbs& log_probs, std::int32_t blank, const LanePosteriors<L>& posteriors,
              Wanted wanted);

    std::int32_t frames() const { return frames_; }
    const std::vector<std::int32_t>& classes() const { return classes_; }  // those that were read
    std::int32_t stride() const { return stride_; }                        // their number, in whole registers
    const double* blank() const { return blank_.data(); }                  // of each frame
    // Of each frame: classes(), and 0 behind them.
    const double* probs() const { return probs_.data(); }

    // Starts with the empty prefix, which is node 0 and has no symbol.
    void start();
    std::size_t count() const { return nodes_.size(); }
    // Adds a prefix that was extended; returns its node.
    std::int32_t add(std::int32_t parent, std::int32_t symbol) {
        nodes_.push_back({parent, symbol, kNone});
        return static_cast<std::int32_t>(nodes_.size()) - 1;
    }
    std::int32_t symbol(std::int32_t node) const { return nodes_[index(node)].symbol; }

    // The sums of a prefix; the reference is valid until the next call.
    const Sums& sums_of(std::int32_t node);
    // Writes, for each frame, the probability of the prefix.
    void write_reached(const Sums& sums, double* reached) const {
        for (std::int32_t t = 0; t < frames_; ++t) reached[t] = sums.blank[index(t)] + sums.label[index(t)];
    }
    std::vector<std::int32_t> labels_of(std::int32_t node) const;

  private:
    // Classes times frames above this are not searched.
    static constexpr std::size_t kMostProbs = std::size_t{1} << 22;
    static constexpr std::size_t kMostSums = std::size_t{1} << 22;  // stored doubles: 32 MB
    static constexpr double kNothing = -1e4;                        // its exponential is 0

    struct Node {
        std::int32_t parent;
        std::int32_t symbol;  // place in classes()
        std::int32_t sums;    // place in sums_, or kNone
    };

    static std::size_t index(std::int32_t value) { return static_cast<std::size_t>(value); }

    template <class T>
    void read_row(const unsigned char* row, std::ptrdiff_t stride, double log_sum, double* to) const;
    void extend(const Sums& from, std::int32_t last, std::int32_t symbol, Sums& to) const;

    std::int32_t frames_ = 0;
    std::vector<std::int32_t> classes_;
    std::int32_t stride_ = 0;
    Column<double> blank_;
    Column<double> probs_;
    std::vector<Node> nodes_;
    std::vector<Sums> sums_;
    std::size_t num_sums_ = 0;
    Sums scratch_[2];
    std::vector<std::int32_t> chain_;
};

template <class L>
template <class Wanted>
bool LanePrefixes<L>::read(const LogProbs& log_probs, std::int32_t blank, const LanePosteriors<L>& posteriors,
                           Wanted wanted) {
    frames_ = log_probs.frames;
    classes_.clear();
    for (std::int32_t k = 0; k < log_probs.classes; ++k)
        if (k != blank && wanted(k)) classes_.push_back(k);
    stride_ = whole_lanes(static_cast<std::int32_t>(classes_.size()));
    const std::size_t size = index(frames_) * index(stride_);
    if (index(frames_) + size > kMostProbs) return false;
    blank_.reserve(index(whole_lanes(frames_)));
    probs_.reserve(size);
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
void LanePrefixes<L>::read_row(const unsigned char* row, std::ptrdiff_t stride, double log_sum,
                               double* to) const {
    std::size_t i = 0;
    for (; i < classes_.size(); ++i) {
        T value;
        std::memcpy(&value, row + classes_[i] * stride, sizeof value);
        to[i] = static_cast<double>(value) - log_sum;
    }
    for (; i < index(stride_); ++i) to[i] = kNothing;
}

template <class L>
void LanePrefixes<L>::start() {
    const std::size_t size = index(frames_) + 1;
    nodes_.assign(1, {kNone, kNone, 0});
    if (sums_.empty()) sums_.emplace_back();
    num_sums_ = 1;
    sums_[0].label.assign(size, 0.0);
    sums_[0].blank.assign(size, 1.0);
    for (std::size_t t = 0; t + 1 < size; ++t) sums_[0].blank[t + 1] = sums_[0].blank[t] * blank_.data()[t];
}

// Computes the sums of a prefix from those of its parent. Once kMostSums are stored, from those of the
// nearest ancestor that has some.
template <class L>
const typename LanePrefixes<L>::Sums& LanePrefixes<L>::sums_of(std::int32_t node) {
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
void LanePrefixes<L>::extend(const Sums& from, std::int32_t last, std::int32_t symbol, Sums& to) const {
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

template <class L>
std::vector<std::int32_t> LanePrefixes<L>::labels_of(std::int32_t node) const {
    std::vector<std::int32_t> labels;
    for (; node != 0; node = nodes_[index(node)].parent)
        labels.push_back(classes_[index(nodes_[index(node)].symbol)]);
    std::reverse(labels.begin(), labels.end());
    return labels;
}

}  // namespace ctc

// PrefixSearch: the bounds of continuations, and the search.
#include "ctc/prefix_search.hpp"

#include <algorithm>

#include "ctc/exp_all.hpp"

namespace ctc {

namespace {

std::size_t index(std::int32_t value) {
    return static_cast<std::size_t>(value);
}

// Returns the largest of `count` values, at least 0. Compilers vectorise it because it needs no order.
double largest(const double* values, std::size_t count) {
    constexpr std::size_t kWide = 8;
    double most[kWide] = {};
    std::size_t i = 0;
    for (; i + kWide <= count; i += kWide)
        for (std::size_t j = 0; j < kWide; ++j) most[j] = values[i + j] > most[j] ? values[i + j] : most[j];
    for (; i < count; ++i) most[0] = std::max(most[0], values[i]);
    return *std::max_element(most, most + kWide);
}

}  // namespace

double PrefixSearch::run(const LogProbs& log_probs, std::int32_t blank, const Posteriors& posteriors,
                         std::int32_t most_nodes, BestOffer& best) {
    const double raise = 1.0 + posteriors.margin();
    if (!read(log_probs, blank, posteriors, best.highest() / raise)) return 1.0;
    weigh_continuations();
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
        for (std::size_t symbol = 0; symbol < classes_.size(); ++symbol) {
            if (bounds_[symbol] * raise < best.highest()) continue;
            if (nodes_.size() >= index(most_nodes)) return next.bound * raise;
            const auto node = static_cast<std::int32_t>(nodes_.size());
            nodes_.push_back({next.node, static_cast<std::int32_t>(symbol), kNone});
            open_.push_back({bounds_[symbol], node});
            std::push_heap(open_.begin(), open_.end());
        }
    }
    return 0.0;
}

// Reads the probabilities of the blank and of the classes that a labelling of probability `least` can have.
// Returns false if these are too many.
bool PrefixSearch::read(const LogProbs& log_probs, std::int32_t blank, const Posteriors& posteriors,
                        double least) {
    frames_ = index(log_probs.frames);
    classes_.clear();
    for (std::int32_t k = 0; k < log_probs.classes; ++k)
        if (k != blank && posteriors.class_masses()[index(k)] >= least) classes_.push_back(k);
    if (frames_ * (classes_.size() + 1) > kMostProbs) return false;
    blank_.clear();
    probs_.clear();
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        const double log_sum = posteriors.log_sums()[index(frame)];
        blank_.push_back(log_probs.at(frame, blank) - log_sum);
        for (const std::int32_t k : classes_) probs_.push_back(log_probs.at(frame, k) - log_sum);
    }
    exp_all(blank_);
    exp_all(probs_);
    return true;
}

// Fills weights_, from the last frame to the first. The header has the recursion.
void PrefixSearch::weigh_continuations() {
    const std::size_t count = classes_.size();
    weights_ = probs_;
    if (count > kMostBoundedClasses) return;
    steps_.assign(count * count, 0.0);  // steps_[k * count + j] is N_kj
    after_blank_.assign(count, 0.0);    // N_kj where a blank has followed k, so that k no longer matters
    behind_blank_.resize(count);        // its part in which one more blank follows
    ends_.assign(count, 1.0);           // E_k
    double end_after_blank = 1.0;
    for (std::size_t frame = frames_; frame-- > 1;) {
        const double* probs = probs_.data() + frame * count;
        const double* weights = weights_.data() + frame * count;
        double* earlier = weights_.data() + (frame - 1) * count;
        const double blank = blank_[frame];
        for (std::size_t j = 0; j < count; ++j) {
            behind_blank_[j] = blank * after_blank_[j];
            after_blank_[j] = behind_blank_[j] + weights[j];
        }
        for (std::size_t k = 0; k < count; ++k) {
            double* steps = steps_.data() + k * count;
            const double stay = probs[k];
            const double repeated = stay * steps[k];
            for (std::size_t j = 0; j < count; ++j) steps[j] = stay * steps[j] + after_blank_[j];
            steps[k] = repeated + behind_blank_[k];  // a repeated label needs a blank between
            ends_[k] = stay * ends_[k] + blank * end_after_blank;
            earlier[k] *= std::max(ends_[k], largest(steps, count));
        }
        end_after_blank *= blank;
    }
}

// Starts with the empty prefix.
void PrefixSearch::start() {
    nodes_.assign(1, {kNone, kNone, 0});
    open_.assign(1, {1.0, 0});
    if (sums_.empty()) sums_.emplace_back();
    num_sums_ = 1;
    sums_[0].label.assign(frames_ + 1, 0.0);
    sums_[0].blank.assign(frames_ + 1, 1.0);
    for (std::size_t t = 0; t < frames_; ++t) sums_[0].blank[t + 1] = sums_[0].blank[t] * blank_[t];
}

// Returns the sums of a prefix from those of its parent. Once kMostSums are stored, from those of the nearest
// ancestor that has some.
const PrefixSearch::Sums& PrefixSearch::sums_of(std::int32_t node) {
    chain_.clear();
    for (; nodes_[index(node)].sums == kNone; node = nodes_[index(node)].parent) chain_.push_back(node);
    const Sums* sums = &sums_[index(nodes_[index(node)].sums)];
    for (; !chain_.empty(); chain_.pop_back()) {
        Node& next = nodes_[index(chain_.back())];
        const std::int32_t last = nodes_[index(next.parent)].symbol;
        if (2 * (frames_ + 1) * (num_sums_ + 1) > kMostSums) {
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
void PrefixSearch::extend(const Sums& from, std::int32_t last, std::int32_t symbol, Sums& to) const {
    to.label.resize(frames_ + 1);
    to.blank.resize(frames_ + 1);
    to.label[0] = to.blank[0] = 0.0;
    const double from_label = last == symbol ? 0.0 : 1.0;
    const double* probs = probs_.data() + symbol;
    for (std::size_t t = 0; t < frames_; ++t, probs += classes_.size()) {
        to.blank[t + 1] = (to.blank[t] + to.label[t]) * blank_[t];
        to.label[t + 1] = (to.label[t] + from.blank[t] + from_label * from.label[t]) * *probs;
    }
}

// Fills bounds_ for each label that can be appended to a prefix.
void PrefixSearch::bound_children(const Sums& sums, std::int32_t last) {
    const std::size_t count = classes_.size();
    bounds_.assign(count, 0.0);
    double repeated = 0.0;
    for (std::size_t t = 0; t < frames_; ++t) {
        const double sum = sums.blank[t] + sums.label[t];
        if (!(sum > 0.0)) continue;
        const double* weights = weights_.data() + t * count;
        for (std::size_t j = 0; j < count; ++j) bounds_[j] += sum * weights[j];
        if (last != kNone) repeated += sums.blank[t] * weights[index(last)];
    }
    if (last != kNone) bounds_[index(last)] = repeated;
}

std::vector<std::int32_t> PrefixSearch::labels_of(std::int32_t node) const {
    std::vector<std::int32_t> labels;
    for (; node != 0; node = nodes_[index(node)].parent)
        labels.push_back(classes_[index(nodes_[index(node)].symbol)]);
    std::reverse(labels.begin(), labels.end());
    return labels;
}

}  // namespace ctc

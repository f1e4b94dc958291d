// log_weights_of(): a walk through the guide, which reads the row of each prefix of the labellings once.
#include "ctc/labelling_weights.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>

namespace ctc {

namespace {

// The state of a prefix, and the log weights of its labels.
struct Step {
    Guide::State state;
    double log_weight;
};

class Walk {
  public:
    explicit Walk(const Guide& guide)
        : guide_(guide),
          next_(static_cast<std::size_t>(guide.classes())),
          log_weights_(static_cast<std::size_t>(guide.classes())),
          steps_{{guide.start(), 0.0}} {}

    double log_weight_of(LabellingView labelling) {
        // Of the labelling before, the steps of the common beginning are left.
        const auto most = std::min(labelling.count, last_.count);
        const auto common = std::mismatch(last_.labels, last_.labels + most, labelling.labels).first;
        const auto left = static_cast<std::size_t>(common - last_.labels) + 1;
        if (left < steps_.size()) steps_.resize(left, steps_.front());
        last_ = labelling;
        while (steps_.size() <= static_cast<std::size_t>(labelling.count)) {
            const Step before = steps_.back();
            if (before.state == Guide::kDead) return kNothing;
            guide_.row(before.state, next_.data(), log_weights_.data());
            const auto label = static_cast<std::size_t>(labelling.labels[steps_.size() - 1]);
            steps_.push_back({next_[label], before.log_weight + log_weights_[label]});
        }
        const Step end = steps_.back();
        return end.state == Guide::kDead ? kNothing : end.log_weight + guide_.final_log_weight(end.state);
    }

  private:
    static constexpr double kNothing = -std::numeric_limits<double>::infinity();

    const Guide& guide_;
    std::vector<Guide::State> next_;
    std::vector<double> log_weights_;
    LabellingView last_;
    std::vector<Step> steps_;  // of the prefixes of last_, from the empty one to the first that is dead
};

}  // namespace

std::vector<double> log_weights_of(const Guide& guide, const std::vector<LabellingView>& labellings) {
    std::vector<std::size_t> order(labellings.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Labellings with a common beginning one after the other.
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const LabellingView one = labellings[a];
        const LabellingView other = labellings[b];
        return std::lexicographical_compare(one.labels, one.labels + one.count, other.labels,
                                            other.labels + other.count);
    });
    std::vector<double> log_weights(labellings.size());
    Walk walk(guide);
    for (const std::size_t index : order) log_weights[index] = walk.log_weight_of(labellings[index]);
    return log_weights;
}

}  // namespace ctc

// least_risks(): each pair of hypotheses is compared at most once, and only as long as one of them can win.
#include "ctc/bayes_risk.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "ctc/edit_distance.hpp"
#include "ctc/guide_weights.hpp"
#include "ctc/parallel.hpp"

namespace ctc {

namespace {

// The errors of two hypotheses: of the first if the second is the truth, and the other way round.
using Errors = std::pair<double, double>;

double with_tie(double risk) {
    return risk + kRiskTie * std::max(1.0, risk);
}

double share_of_wrong_positions(std::int32_t equal, LabellingView guess, LabellingView truth) {
    if (truth.count == 0) return guess.count == 0 ? 0.0 : 1.0;
    return 1.0 - static_cast<double>(equal) / truth.count;
}

// Keeps its memory between sequences.
class RiskSearch {
  public:
    explicit RiskSearch(RiskMetric metric) : metric_(metric) {}

    RiskChoice run(const RiskCandidates& candidates) {
        start(candidates);
        double bound = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < labellings_.size(); ++i) {
            // A sum only grows, so one above the bound is not the least. The others have all their terms, in
            // the order of i, whatever is left out: results do not depend on it.
            open_.erase(std::remove_if(open_.begin(), open_.end(),
                                       [&](std::size_t j) { return j < i || risks_[j] > bound; }),
                        open_.end());
            if (open_.empty()) break;
            if (open_.front() == i) {
                for (std::size_t j = i + 1; j < labellings_.size(); ++j) add(i, j);
                bound = std::min(bound, with_tie(risks_[i]));
            } else {
                for (const std::size_t j : open_) add(i, j);
            }
        }
        return first_of_least();
    }

  private:
    // Sorts by share: the sums that come to nothing then reach the bound soon.
    void start(const RiskCandidates& candidates) {
        const std::size_t count = candidates.labellings.size();
        std::vector<double> shares(candidates.log_probs, candidates.log_probs + count);
        const double peak = *std::max_element(shares.begin(), shares.end());
        for (double& share : shares) share -= peak;
        shares = weights_of(shares);
        order_.resize(count);
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        std::stable_sort(order_.begin(), order_.end(),
                         [&](std::size_t a, std::size_t b) { return shares[a] > shares[b]; });
        shares_.clear();
        labellings_.clear();
        for (const std::size_t index : order_) {
            shares_.push_back(shares[index]);
            labellings_.push_back(candidates.labellings[index]);
        }
        const double total = std::accumulate(shares_.begin(), shares_.end(), 0.0);
        for (double& share : shares_) share /= total;
        risks_.assign(count, 0.0);
        open_.resize(count);
        std::iota(open_.begin(), open_.end(), std::size_t{0});
    }

    void add(std::size_t i, std::size_t j) {
        const auto [error_i, error_j] = errors(labellings_[i], labellings_[j]);
        risks_[i] += shares_[j] * error_i;
        risks_[j] += shares_[i] * error_j;
    }

    Errors errors(LabellingView a, LabellingView b) {
        const std::int32_t common = std::min(a.count, b.count);
        switch (metric_) {
            case RiskMetric::edit: {
                const std::int32_t distance = distance_(a, b);
                return {distance, distance};
            }
            case RiskMetric::exact: {
                const bool equal = a.count == b.count && std::equal(a.labels, a.labels + common, b.labels);
                return equal ? Errors{0.0, 0.0} : Errors{1.0, 1.0};
            }
            default: {
                std::int32_t equal = 0;
                for (std::int32_t i = 0; i < common; ++i) equal += a.labels[i] == b.labels[i] ? 1 : 0;
                return {share_of_wrong_positions(equal, a, b), share_of_wrong_positions(equal, b, a)};
            }
        }
    }

    // Sums that are not complete are above every bound, so also above this one.
    RiskChoice first_of_least() const {
        const double bound = with_tie(*std::min_element(risks_.begin(), risks_.end()));
        std::size_t chosen = order_.size();
        for (std::size_t i = 0; i < order_.size(); ++i)
            if (risks_[i] <= bound && (chosen == order_.size() || order_[i] < order_[chosen])) chosen = i;
        return {order_[chosen], risks_[chosen]};
    }

    RiskMetric metric_;
    EditDistance distance_;
    // By descending share.
    std::vector<std::size_t> order_;  // where it is among the candidates
    std::vector<LabellingView> labellings_;
    std::vector<double> shares_;
    std::vector<double> risks_;  // sums of the terms so far
    // Those from the next one on that may have the least risk.
    std::vector<std::size_t> open_;
};

}  // namespace

std::vector<RiskChoice> least_risks(const std::vector<RiskCandidates>& batch, RiskMetric metric,
                                    std::int32_t threads) {
    std::vector<RiskChoice> choices(batch.size());
    share_among_threads(batch.size(), threads, [&] {
        return [&, search = RiskSearch(metric)](std::size_t i) mutable { choices[i] = search.run(batch[i]); };
    });
    return choices;
}

}  // namespace ctc

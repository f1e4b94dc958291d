// What the searches for the most probable labelling share: exact probabilities, the best labelling so far,
// and the beam search with what follows from its result.
#pragma once

#include "ctc/lane_forward.hpp"
#include "ctc/lane_includes.hpp"
#include "ctc/lane_posteriors.hpp"

namespace ctc {

// Keeps its memory between sequences.
template <class L>
class LaneBestStages {
  public:
    // Below it, what LaneForward loses by underflow could matter.
    static constexpr double kLeastScaled = 1e-200;
    // A search for so few prefixes takes less time than a beam search, and mostly it is enough.
    static constexpr std::int32_t kFewNodes = 256;

    explicit LaneBestStages(const BestOptions& options) : options_(options) {}

    const BestOptions& options() const { return options_; }
    const LanePosteriors<L>& posteriors() const { return posteriors_; }
    BestOffer& best() { return best_; }

    // `peaks` has the highest log-probability of each frame.
    void start(const LogProbs& log_probs, const std::vector<double>& peaks) {
        posteriors_.run(log_probs, peaks);
        best_.clear();
    }

    // The probability of a labelling, relative to that of all labellings.
    double posterior_of(const LogProbs& log_probs, const std::vector<std::int32_t>& labels) {
        return forward_.run(log_probs, view_of(labels), options_.blank, posteriors_.log_sums().data());
    }

    // Searches with a beam, the result of which has every labelling of the beam.
    Result search_beam(const LogProbs& log_probs);

    // Searches for the best labelling among those that are permitted, `labels` being one of them, and
    // describes it: few prefixes first, then the beam, then as many prefixes as there may be. `mass` bounds
    // the probability of all of them together. `beam` is null if there was no beam search.
    // `search_prefixes(n)` searches with at most n prefixes, and returns a bound of what it did not offer.
    template <class SearchPrefixes>
    void search(const LogProbs& log_probs, std::vector<std::int32_t> labels, double mass,
                std::unique_ptr<Result> beam, SearchPrefixes search_prefixes, BestLabelling& found);

  private:
    static LabellingView view_of(const std::vector<std::int32_t>& labels) {
        return {labels.data(), static_cast<std::int32_t>(labels.size())};
    }
    double sum_in_beam(const Hypothesis& hypothesis) const;

    // Offers the labellings of the beam that may be the best. Returns an upper bound of the probability of
    // those that were not offered: what neither the offered ones nor the sums in the beam account for, and
    // for a labelling of the beam its sum in addition. `mass` bounds the sum of all probabilities.
    double offer_beam(const LogProbs& log_probs, const std::vector<Hypothesis>& hypotheses, double mass);

    // Describes the best labelling so far, where no other one has more than `bound`, by a search that ended
    // with `proof`.
    void describe_best(const LogProbs& log_probs, double bound, Proof proof, BestLabelling& found);

    // Where no labelling has a probability that fits into a double, none can be proven to be the best.
    void describe_improbable(const LogProbs& log_probs, const std::vector<std::int32_t>& labels,
                             BestLabelling& found) const;

    BestOptions options_;
    std::unique_ptr<FastSearch> fast_;
    std::unique_ptr<ExactSearch> exact_;  // null until a beam search is needed
    LanePosteriors<L> posteriors_;
    LaneForward<L> forward_;
    BestOffer best_;
};

template <class L>
Result LaneBestStages<L>::search_beam(const LogProbs& log_probs) {
    if (exact_ == nullptr) {
        Options beam;
        beam.beam_width = options_.beam_width;
        beam.blank = options_.blank;
        beam.n_best = options_.beam_width;
        beam.path = options_.path;
        beam.frames = false;
        beam.guide = options_.constraint;
        fast_ = make_fast_search(beam);
        exact_ = std::make_unique<ExactSearch>(beam);
    }
    Result found;
    if (fast_ == nullptr || !fast_->run(log_probs, found)) found = exact_->run(log_probs);
    return found;
}

template <class L>
template <class SearchPrefixes>
void LaneBestStages<L>::search(const LogProbs& log_probs, std::vector<std::int32_t> labels, double mass,
                               std::unique_ptr<Result> beam, SearchPrefixes search_prefixes,
                               BestLabelling& found) {
    best_.offer(labels, posterior_of(log_probs, labels));
    const auto bound_of = [&](std::int32_t most_nodes) {
        if (most_nodes == 0 || best_.highest() < kLeastScaled) return mass;
        return std::min<double>(search_prefixes(most_nodes), mass);
    };
    // An upper bound of the probability of the permitted labellings that were not offered.
    double bound = bound_of(std::min(options_.nodes, kFewNodes));
    Proof proof = Proof::prefixes;
    if (bound >= best_.highest()) {
        if (beam == nullptr) beam = std::make_unique<Result>(search_beam(log_probs));
        bound = std::min(bound, offer_beam(log_probs, beam->hypotheses, mass));
        proof = Proof::beam;
        if (best_.highest() < kLeastScaled) {
            if (!beam->hypotheses.empty()) labels = beam->hypotheses.front().labels;
            describe_improbable(log_probs, labels, found);
            return;
        }
    }
    if (bound >= best_.highest()) {
        bound = std::min(bound, bound_of(options_.nodes));
        proof = Proof::prefixes;
    }
    describe_best(log_probs, bound, proof, found);
}

template <class L>
double LaneBestStages<L>::offer_beam(const LogProbs& log_probs, const std::vector<Hypothesis>& hypotheses,
                                     double mass) {
    double rest = mass;
    for (const Hypothesis& hypothesis : hypotheses) rest -= sum_in_beam(hypothesis);
    double others = 0.0;
    for (const Hypothesis& hypothesis : hypotheses) {
        const double in_beam = sum_in_beam(hypothesis);
        if (in_beam + rest < best_.highest() && best_.labels() != hypothesis.labels) {
            others = std::max(others, in_beam + rest);
            continue;
        }
        const double prob = posterior_of(log_probs, hypothesis.labels);
        best_.offer(hypothesis.labels, prob);
        rest -= std::max(0.0, prob - in_beam);
    }
    return std::max(others, rest);
}

// A lower bound of the labelling's probability.
template <class L>
double LaneBestStages<L>::sum_in_beam(const Hypothesis& hypothesis) const {
    return std::exp(hypothesis.log_prob - posteriors_.log_mass()) * (1.0 - posteriors_.mass_margin());
}

template <class L>
void LaneBestStages<L>::describe_best(const LogProbs& log_probs, double bound, Proof proof,
                                      BestLabelling& found) {
    found.proof = proof;
    if (bound >= best_.highest()) {
        found.proof = Proof::none;
        found.gap = std::log(bound / best_.highest()) + posteriors_.margin();
    }
    found.labels = best_.labels();
    found.log_prob = std::log(posterior_of(log_probs, found.labels)) + posteriors_.log_mass();
}

template <class L>
void LaneBestStages<L>::describe_improbable(const LogProbs& log_probs,
                                            const std::vector<std::int32_t>& labels,
                                            BestLabelling& found) const {
    found.proof = Proof::none;
    found.labels = labels;
    const std::vector<LabellingScores> scores =
        score_labellings({log_probs}, {{view_of(found.labels)}}, options_.blank, 1);
    found.log_prob = scores[0].log_probs[0];
    found.gap = std::max(0.0, posteriors_.log_mass() - found.log_prob) + posteriors_.mass_margin();
}

}  // namespace ctc

// BestSearch over one type of lanes (lanes.hpp): the three proofs in turn. Each isa_*.cpp compiles it for one
// instruction set.
#pragma once

#include "ctc/lane_best_path.hpp"
#include "ctc/lane_forward.hpp"
#include "ctc/lane_includes.hpp"
#include "ctc/lane_posteriors.hpp"
#include "ctc/lane_prefix_search.hpp"

namespace ctc {

template <class L>
class LaneBestSearch final : public BestSearch {
  public:
    explicit LaneBestSearch(const BestOptions& options) : options_(options) {}

    BestLabelling run(const LogProbs& log_probs) override;

  private:
    // Below it, what LaneForward loses by underflow could matter.
    static constexpr double kLeastScaled = 1e-200;
    // A search for so few prefixes takes less time than a beam search, and mostly it is enough.
    static constexpr std::int32_t kFewNodes = 256;

    void search(const LogProbs& log_probs, BestLabelling& found);
    double search_prefixes(const LogProbs& log_probs, std::int32_t most_nodes);
    double posterior_of(const LogProbs& log_probs, const std::vector<std::int32_t>& labels);
    Result search_beam(const LogProbs& log_probs);
    double offer_beam(const LogProbs& log_probs, const std::vector<Hypothesis>& hypotheses);
    double sum_in_beam(const Hypothesis& hypothesis) const;
    void describe_improbable(const LogProbs& log_probs, const std::vector<Hypothesis>& hypotheses,
                             BestLabelling& found);

    static LabellingView view_of(const std::vector<std::int32_t>& labels) {
        return {labels.data(), static_cast<std::int32_t>(labels.size())};
    }

    BestOptions options_;
    std::unique_ptr<FastSearch> fast_;
    std::unique_ptr<ExactSearch> exact_;  // null until a beam search is needed
    LaneBestPath<L> best_path_;
    LanePosteriors<L> posteriors_;
    LaneForward<L> forward_;
    LanePrefixSearch<L> prefixes_;
    BestOffer best_;
};

template <class L>
BestLabelling LaneBestSearch<L>::run(const LogProbs& log_probs) {
    BestLabelling found;
    found.status = best_path_.run(log_probs, options_.blank);
    if (found.status != Status::ok) {
        found.frame = best_path_.bad_frame();
    } else if (best_path_.proven()) {
        found.labels = best_path_.labels();
        found.log_prob = best_path_.log_prob();
        found.proof = Proof::best_path;
    } else {
        search(log_probs, found);
    }
    return found;
}

template <class L>
void LaneBestSearch<L>::search(const LogProbs& log_probs, BestLabelling& found) {
    posteriors_.run(log_probs, best_path_.peaks());
    best_.clear();
    best_.offer(best_path_.labels(), posterior_of(log_probs, best_path_.labels()));
    // An upper bound of the probability of the labellings that were not offered.
    double bound = search_prefixes(log_probs, std::min(options_.nodes, kFewNodes));
    found.proof = Proof::prefixes;
    if (bound >= best_.highest()) {
        const Result beam = search_beam(log_probs);
        bound = std::min(bound, offer_beam(log_probs, beam.hypotheses));
        found.proof = Proof::beam;
        if (best_.highest() < kLeastScaled) {
            describe_improbable(log_probs, beam.hypotheses, found);
            return;
        }
    }
    if (bound >= best_.highest()) {
        bound = std::min(bound, search_prefixes(log_probs, options_.nodes));
        found.proof = Proof::prefixes;
    }
    if (bound >= best_.highest()) {
        found.proof = Proof::none;
        found.gap = std::log(bound / best_.highest()) + posteriors_.margin();
    }
    found.labels = best_.labels();
    found.log_prob = std::log(posterior_of(log_probs, found.labels)) + posteriors_.log_mass();
}

template <class L>
double LaneBestSearch<L>::search_prefixes(const LogProbs& log_probs, std::int32_t most_nodes) {
    if (most_nodes == 0 || best_.highest() < kLeastScaled) return 1.0 + posteriors_.mass_margin();
    return prefixes_.run(log_probs, options_.blank, posteriors_, most_nodes, best_);
}

template <class L>
double LaneBestSearch<L>::posterior_of(const LogProbs& log_probs, const std::vector<std::int32_t>& labels) {
    return forward_.run(log_probs, view_of(labels), options_.blank, posteriors_.log_sums().data());
}

// Searches with a beam, the result of which has every labelling of the beam.
template <class L>
Result LaneBestSearch<L>::search_beam(const LogProbs& log_probs) {
    if (exact_ == nullptr) {
        Options beam;
        beam.beam_width = options_.beam_width;
        beam.blank = options_.blank;
        beam.n_best = options_.beam_width;
        beam.path = options_.path;
        beam.frames = false;
        fast_ = make_fast_search(beam);
        exact_ = std::make_unique<ExactSearch>(beam);
    }
    Result found;
    if (fast_ == nullptr || !fast_->run(log_probs, found)) found = exact_->run(log_probs);
    return found;
}

// Offers the labellings of the beam that may be the best. Returns an upper bound of the probability of those
// that were not offered: what neither the offered ones nor the sums in the beam account for, and for a
// labelling of the beam its sum in addition.
template <class L>
double LaneBestSearch<L>::offer_beam(const LogProbs& log_probs, const std::vector<Hypothesis>& hypotheses) {
    double rest = 1.0 + posteriors_.mass_margin();
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
double LaneBestSearch<L>::sum_in_beam(const Hypothesis& hypothesis) const {
    return std::exp(hypothesis.log_prob - posteriors_.log_mass()) * (1.0 - posteriors_.mass_margin());
}

// Where no labelling has a probability that fits into a double, none can be proven to be the best.
template <class L>
void LaneBestSearch<L>::describe_improbable(const LogProbs& log_probs,
                                            const std::vector<Hypothesis>& hypotheses, BestLabelling& found) {
    found.proof = Proof::none;
    found.labels = hypotheses.front().labels;
    const std::vector<LabellingScores> scores =
        score_labellings({log_probs}, {{view_of(found.labels)}}, options_.blank, 1);
    found.log_prob = scores[0].log_probs[0];
    found.gap = std::max(0.0, posteriors_.log_mass() - found.log_prob) + posteriors_.mass_margin();
}

}  // namespace ctc

// BestSearch over one type of lanes (lanes.hpp): the three proofs in turn. Each isa_*.cpp compiles it for one
// instruction set.
#pragma once

#include "ctc/lane_best_path.hpp"
#include "ctc/lane_best_stages.hpp"
#include "ctc/lane_includes.hpp"
#include "ctc/lane_prefix_search.hpp"

namespace ctc {

template <class L>
class LaneBestSearch final : public BestSearch {
  public:
    explicit LaneBestSearch(const BestOptions& options) : stages_(options) {}

    BestLabelling run(const LogProbs& log_probs) override;

  private:
    using Stages = LaneBestStages<L>;

    void search(const LogProbs& log_probs, BestLabelling& found);
    double search_prefixes(const LogProbs& log_probs, std::int32_t most_nodes);

    Stages stages_;
    LaneBestPath<L> best_path_;
    LanePrefixSearch<L> prefixes_;
};

template <class L>
BestLabelling LaneBestSearch<L>::run(const LogProbs& log_probs) {
    BestLabelling found;
    found.status = best_path_.run(log_probs, stages_.options().blank);
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
    stages_.start(log_probs, best_path_.peaks());
    BestOffer& best = stages_.best();
    best.offer(best_path_.labels(), stages_.posterior_of(log_probs, best_path_.labels()));
    const std::int32_t most_nodes = stages_.options().nodes;
    // An upper bound of the probability of the labellings that were not offered.
    double bound = search_prefixes(log_probs, std::min(most_nodes, Stages::kFewNodes));
    Proof proof = Proof::prefixes;
    if (bound >= best.highest()) {
        const Result beam = stages_.search_beam(log_probs);
        const double mass = 1.0 + stages_.posteriors().mass_margin();
        bound = std::min(bound, stages_.offer_beam(log_probs, beam.hypotheses, mass));
        proof = Proof::beam;
        if (best.highest() < Stages::kLeastScaled) {
            stages_.describe_improbable(log_probs, beam.hypotheses.front().labels, found);
            return;
        }
    }
    if (bound >= best.highest()) {
        bound = std::min(bound, search_prefixes(log_probs, most_nodes));
        proof = Proof::prefixes;
    }
    stages_.describe_best(log_probs, bound, proof, found);
}

template <class L>
double LaneBestSearch<L>::search_prefixes(const LogProbs& log_probs, std::int32_t most_nodes) {
    BestOffer& best = stages_.best();
    if (most_nodes == 0 || best.highest() < Stages::kLeastScaled)
        return 1.0 + stages_.posteriors().mass_margin();
    return prefixes_.run(log_probs, stages_.options().blank, stages_.posteriors(), most_nodes, best);
}

}  // namespace ctc

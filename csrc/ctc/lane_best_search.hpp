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
    void search(const LogProbs& log_probs, BestLabelling& found);

    LaneBestStages<L> stages_;
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
    const auto search_prefixes = [&](std::int32_t most_nodes) {
        return prefixes_.run(log_probs, stages_.options().blank, stages_.posteriors(), most_nodes,
                             stages_.best());
    };
    stages_.search(log_probs, best_path_.labels(), 1.0 + stages_.posteriors().mass_margin(), nullptr,
                   search_prefixes, found);
}

}  // namespace ctc

// BestSearch among the labellings that an automaton accepts. The proofs are those of LaneBestSearch, with
// these differences:
// - The best path proves itself only if its labelling is accepted. If not, the accepted labellings share what
//   it leaves of the sum of all probabilities.
// - The search over prefixes runs in the automaton: LaneConstrainedPrefixSearch.
// - The beam search is the guided one. Where it finds nothing, AcceptedPath does, or proves that there is
//   nothing.
#pragma once

#include "ctc/lane_best_path.hpp"
#include "ctc/lane_best_stages.hpp"
#include "ctc/lane_constrained_prefix_search.hpp"
#include "ctc/lane_includes.hpp"

namespace ctc {

template <class L>
class LaneConstrainedBestSearch final : public BestSearch {
  public:
    explicit LaneConstrainedBestSearch(const BestOptions& options)
        : stages_(options), automaton_(*options.constraint) {}

    BestLabelling run(const LogProbs& log_probs) override;

  private:
    void search(const LogProbs& log_probs, BestLabelling& found);
    static void describe_nothing(BestLabelling& found) {
        found.log_prob = -std::numeric_limits<double>::infinity();
        found.proof = Proof::nothing;
    }

    LaneBestStages<L> stages_;
    const Automaton& automaton_;
    LaneBestPath<L> best_path_;
    LaneConstrainedPrefixSearch<L> prefixes_;
    AcceptedPath accepted_path_;
};

template <class L>
BestLabelling LaneConstrainedBestSearch<L>::run(const LogProbs& log_probs) {
    BestLabelling found;
    found.status = best_path_.run(log_probs, stages_.options().blank);
    if (found.status != Status::ok) {
        found.frame = best_path_.bad_frame();
    } else if (automaton_.shortest(automaton_.start()) > log_probs.frames) {
        describe_nothing(found);
    } else if (best_path_.proven() && automaton_.accepts(best_path_.labels())) {
        found.labels = best_path_.labels();
        found.log_prob = best_path_.log_prob();
        found.proof = Proof::best_path;
    } else {
        search(log_probs, found);
    }
    return found;
}

// Finds an accepted labelling to begin with.
template <class L>
void LaneConstrainedBestSearch<L>::search(const LogProbs& log_probs, BestLabelling& found) {
    stages_.start(log_probs, best_path_.peaks());
    const double margin = stages_.posteriors().mass_margin();
    const auto search_prefixes = [&](std::int32_t most_nodes) {
        return prefixes_.run(log_probs, stages_.options().blank, automaton_, stages_.posteriors(), most_nodes,
                             stages_.best());
    };
    if (automaton_.accepts(best_path_.labels())) {
        stages_.search(log_probs, best_path_.labels(), 1.0 + margin, nullptr, search_prefixes, found);
        return;
    }
    // An upper bound of the probability of all accepted labellings together.
    const double mass = 1.0 + margin - stages_.posterior_of(log_probs, best_path_.labels()) * (1.0 - margin);
    auto beam = std::make_unique<Result>(stages_.search_beam(log_probs));
    if (!beam->hypotheses.empty()) {
        const std::vector<std::int32_t> labels = beam->hypotheses.front().labels;
        stages_.search(log_probs, labels, mass, std::move(beam), search_prefixes, found);
        return;
    }
    switch (accepted_path_.run(log_probs, stages_.options().blank, automaton_)) {
        case AcceptedPath::Outcome::found:
            stages_.search(log_probs, accepted_path_.labels(), mass, std::move(beam), search_prefixes, found);
            break;
        case AcceptedPath::Outcome::nothing:
            describe_nothing(found);
            break;
        case AcceptedPath::Outcome::unknown:
            found.log_prob = -std::numeric_limits<double>::infinity();
            found.gap = std::numeric_limits<double>::infinity();
            break;
    }
}

}  // namespace ctc

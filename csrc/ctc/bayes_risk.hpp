// Minimum Bayes risk: the hypothesis with the least expected error (Goel and Byrne 2000).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctc/labelling_scores.hpp"

namespace ctc {

// The error of a hypothesis if another one is the truth.
enum class RiskMetric {
    edit,       // their edit distance
    exact,      // 1 unless they are equal
    positions,  // the share of the truth's positions at which the hypothesis has another label or none; where
                // the truth is empty, 1 unless the hypothesis is, too
};

// The hypotheses of one sequence.
struct RiskCandidates {
    std::vector<LabellingView> labellings;  // at least one
    const double* log_probs = nullptr;      // of each, of any scale; at least one is above -inf, none is +inf
};

struct RiskChoice {
    std::size_t index = 0;  // the first one within kRiskTie of the least expected error
    double risk = 0.0;      // its expected error
};

// Of a risk, and at least of 1: rounding must not prefer a later one of several equal risks.
constexpr double kRiskTie = 1e-12;

// Chooses a hypothesis for each sequence. The truth is one of its hypotheses, with a probability proportional
// to exp(log_prob). The result depends neither on the other sequences nor on the number of threads.
std::vector<RiskChoice> least_risks(const std::vector<RiskCandidates>& batch, RiskMetric metric,
                                    std::int32_t threads);

}  // namespace ctc

// Tests of the edit distance, of the least risk and of the weights of labellings, against plain versions.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "ctc/automaton.hpp"
#include "ctc/bayes_risk.hpp"
#include "ctc/edit_distance.hpp"
#include "ctc/labelling_weights.hpp"
#include "tests/checks.hpp"
#include "tests/random_automaton.hpp"

namespace {

using ctc::check;

using Labels = std::vector<std::int32_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<ctc::LabellingView> views_of(const std::vector<Labels>& labellings) {
    std::vector<ctc::LabellingView> views;
    for (const Labels& labels : labellings)
        views.push_back({labels.data(), static_cast<std::int32_t>(labels.size())});
    return views;
}

Labels random_labels(std::mt19937& random, std::size_t most, std::int32_t classes) {
    Labels labels(random() % (most + 1));
    for (std::int32_t& label : labels) {
        label = 1 + static_cast<std::int32_t>(random() % static_cast<unsigned>(classes - 1));
        // Beyond the table of masks.
        if (classes > 100 && random() % 8 == 0) label = 100'000 + label;
    }
    return labels;
}

std::int32_t plain_distance(const Labels& a, const Labels& b) {
    std::vector<std::vector<std::int32_t>> table(a.size() + 1, std::vector<std::int32_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                table[i][j] = static_cast<std::int32_t>(i + j);
                continue;
            }
            table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1,
                                    table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
        }
    }
    return table.back().back();
}

void test_distances() {
    std::mt19937 random(1);
    ctc::EditDistance distance;
    for (int round = 0; round < 3000; ++round) {
        const std::int32_t classes = round % 3 == 0 ? 200 : 4;
        const std::size_t most = round % 10 == 0 ? 140 : 12;
        const std::vector<Labels> pair{random_labels(random, most, classes),
                                       random_labels(random, most, classes)};
        const auto views = views_of(pair);
        check(distance(views[0], views[1]) == plain_distance(pair[0], pair[1]), "edit distance");
    }
}

void test_least_risk() {
    std::mt19937 random(2);
    for (int round = 0; round < 1000; ++round) {
        std::vector<Labels> labellings(1 + random() % 30);
        std::vector<double> log_probs;
        for (Labels& labels : labellings) {
            labels = random_labels(random, 6, 3);
            log_probs.push_back(random() % 9 == 0 ? -kInfinity : -0.5 * static_cast<double>(random() % 40));
        }
        log_probs[random() % log_probs.size()] = -1.0;
        std::vector<double> risks(labellings.size(), 0.0);
        double total = 0.0;
        for (const double log_prob : log_probs) total += std::exp(log_prob);
        for (std::size_t i = 0; i < risks.size(); ++i)
            for (std::size_t j = 0; j < risks.size(); ++j)
                risks[i] += std::exp(log_probs[j]) / total * plain_distance(labellings[i], labellings[j]);
        const double least = *std::min_element(risks.begin(), risks.end());
        const auto found =
            ctc::least_risks({{views_of(labellings), log_probs.data()}}, ctc::RiskMetric::edit, 1).front();
        check(std::abs(found.risk - least) < 1e-10, "least risk");
        check(risks[found.index] < least + 1e-10, "hypothesis of least risk");
    }
    check(ctc::least_risks({}, ctc::RiskMetric::edit, 3).empty(), "no sequences");
}

double plain_log_weight(const ctc::Guide& guide, const Labels& labels) {
    auto state = guide.start();
    double sum = 0.0;
    std::vector<ctc::Guide::State> next(static_cast<std::size_t>(guide.classes()));
    std::vector<double> log_weights(next.size());
    for (const std::int32_t label : labels) {
        guide.row(state, next.data(), log_weights.data());
        state = next[static_cast<std::size_t>(label)];
        if (state == ctc::Guide::kDead) return -kInfinity;
        sum += log_weights[static_cast<std::size_t>(label)];
    }
    return sum + guide.final_log_weight(state);
}

void test_weights() {
    std::mt19937 random(3);
    const auto below = [&](unsigned n) { return static_cast<std::int32_t>(random() % n); };
    for (int round = 0; round < 1000; ++round) {
        const ctc::Automaton guide(ctc::random_automaton(below, 4, 0));
        std::vector<Labels> labellings(random() % 40);
        for (Labels& labels : labellings) labels = random_labels(random, 5, 4);
        const std::vector<double> found = ctc::log_weights_of(guide, views_of(labellings));
        for (std::size_t i = 0; i < found.size(); ++i)
            check(found[i] == plain_log_weight(guide, labellings[i]), "weight of a labelling");
    }
}

}  // namespace

int main() {
    test_distances();
    test_least_risk();
    test_weights();
    return ctc::report_failures();
}

// Tests of guided searches without Python: all paths and numbers of threads agree, guides stay in bounds, and
// the most probable labelling within a constraint is one that it accepts.
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "ctc/automaton.hpp"
#include "ctc/best_labelling.hpp"
#include "ctc/prefix_beam_search.hpp"
#include "ctc/product_guide.hpp"
#include "tests/checks.hpp"
#include "tests/random_automaton.hpp"

namespace {

using ctc::check;
using ctc::views;

bool same(const std::vector<ctc::Result>& a, const std::vector<ctc::Result>& b, double tolerance) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i].hypotheses.size() != b[i].hypotheses.size()) return false;
        for (std::size_t j = 0; j < a[i].hypotheses.size(); ++j) {
            const ctc::Hypothesis& x = a[i].hypotheses[j];
            const ctc::Hypothesis& y = b[i].hypotheses[j];
            const double allowed = tolerance * std::fmax(1.0, std::abs(y.log_prob));
            if (x.labels != y.labels || x.frames != y.frames) return false;
            if (!(std::abs(x.log_prob - y.log_prob) <= allowed)) return false;
        }
    }
    return a.size() == b.size();
}

void test_paths_and_threads_agree() {
    std::mt19937 random(5);
    const auto below = [&](std::uint32_t end) { return static_cast<std::int32_t>(random() % end); };
    std::size_t found = 0;
    for (int round = 0; round < 300; ++round) {
        const std::int32_t frames = 1 + below(30);
        const std::int32_t classes = round % 10 == 0 ? 300 : 2 + below(70);
        const double size = round % 7 == 0 ? 0.5 : 0.001 * (1 + below(40));
        std::vector<double> values(static_cast<std::size_t>(4 * frames * classes));
        for (double& value : values) value = -size * static_cast<double>(random() % 997);
        const auto batch = views(values, 4, frames, classes);
        ctc::Options options;
        options.beam_width = 1 + below(60);
        options.n_best = options.beam_width;
        options.blank = below(static_cast<std::uint32_t>(classes));
        std::vector<std::shared_ptr<const ctc::Guide>> parts;
        for (int part = 0; part <= round % 2; ++part)
            parts.push_back(
                std::make_shared<ctc::Automaton>(ctc::random_automaton(below, classes, options.blank)));
        const ctc::ProductGuide product(parts);
        options.guide = round % 2 == 0 ? parts.front().get() : &product;
        options.path = ctc::Path::exact;
        const auto exact = ctc::prefix_beam_search(batch, options);
        options.path = ctc::Path::portable;
        const auto portable = ctc::prefix_beam_search(batch, options);
        check(same(portable, exact, 1e-9), "lanes find what the exact search finds");
        for (const auto& result : portable) found += result.hypotheses.empty() ? 0U : 1U;
        for (const ctc::Path path : ctc::paths()) {
            if (path == ctc::Path::exact) continue;
            options.path = path;
            options.threads = 1 + round % 3;
            check(same(ctc::prefix_beam_search(batch, options), portable, 0.0),
                  "paths and threads are bit-identical");
        }
    }
    check(found > 200, "many of the random guides permit something");
}

void test_the_best_within_a_constraint() {
    std::mt19937 random(6);
    const auto below = [&](std::uint32_t end) { return static_cast<std::int32_t>(random() % end); };
    std::size_t proven = 0, nothing = 0;
    for (int round = 0; round < 300; ++round) {
        const std::int32_t frames = 1 + below(20);
        const std::int32_t classes = round % 10 == 0 ? 200 : 2 + below(30);
        const double size = 0.001 * (1 + below(40));
        std::vector<double> values(static_cast<std::size_t>(4 * frames * classes));
        const std::uint32_t impossible = round % 3 == 0 ? 400 : 0;
        for (double& value : values) {
            value = -size * static_cast<double>(random() % 997);
            if (random() % 997 < impossible) value = -std::numeric_limits<double>::infinity();
        }
        const auto batch = views(values, 4, frames, classes);
        ctc::BestOptions options;
        options.blank = below(static_cast<std::uint32_t>(classes));
        options.beam_width = 1 + below(4);
        options.nodes = round % 4 == 0 ? below(300) : 10000;
        ctc::AutomatonArrays arrays = ctc::random_automaton(below, classes, options.blank);
        arrays.log_weights.clear();
        arrays.final_log_weights.clear();
        const ctc::Automaton automaton(std::move(arrays));
        options.constraint = &automaton;
        options.path = ctc::Path::portable;
        const auto portable = ctc::best_labellings(batch, options);
        for (const auto& best : portable) {
            if (best.status != ctc::Status::ok) continue;
            proven += best.proof != ctc::Proof::none ? 1U : 0U;
            nothing += best.proof == ctc::Proof::nothing ? 1U : 0U;
            if (best.log_prob > -std::numeric_limits<double>::infinity())
                check(automaton.accepts(best.labels), "the constraint accepts the best labelling");
        }
        for (const ctc::Path path : ctc::paths()) {
            if (path == ctc::Path::exact) continue;
            options.path = path;
            options.threads = 1 + round % 3;
            const auto again = ctc::best_labellings(batch, options);
            for (std::size_t i = 0; i < again.size(); ++i)
                check(again[i].labels == portable[i].labels && again[i].log_prob == portable[i].log_prob &&
                          again[i].proof == portable[i].proof && again[i].gap == portable[i].gap,
                      "the best labelling by all paths");
        }
    }
    check(proven > 400 && nothing > 20, "many are proven, and some constraints accept nothing");
}

void test_automata_that_are_none() {
    ctc::AutomatonArrays good;
    good.classes = 3;
    good.accepting = {0, 1};
    good.offsets = {0, 1, 1};
    good.labels = {2};
    good.targets = {1};
    const auto refused = [](const ctc::AutomatonArrays& arrays) {
        try {
            const ctc::Automaton automaton(arrays);
        } catch (const std::invalid_argument&) {
            return true;
        }
        return false;
    };
    check(!refused(good), "a sound automaton");
    ctc::AutomatonArrays bad = good;
    bad.offsets = {0, 1, 2};
    check(refused(bad), "offsets behind the edges");
    bad = good;
    bad.targets = {2};
    check(refused(bad), "a target that is no state");
    bad = good;
    bad.labels = {3};
    check(refused(bad), "a label that is no class");
    check(refused({}), "nothing at all");
}

}  // namespace

int main() {
    test_paths_and_threads_agree();
    test_the_best_within_a_constraint();
    test_automata_that_are_none();
    return ctc::report_failures();
}

// Tests of the parts that Python cannot reach, but for the alignment.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "ctc/lane_search.hpp"
#include "ctc/prefix_arena.hpp"
#include "ctc/prefix_beam_search.hpp"
#include "ctc/prefix_tree.hpp"
#include "ctc/prob.hpp"
#include "tests/checks.hpp"

namespace {

using ctc::check;
using ctc::views;

bool close(double a, double b) {
    return std::abs(a - b) <= 1e-12 * std::fmax(1.0, std::abs(b));
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void test_prob() {
    using ctc::log_of;
    using ctc::Prob;
    using ctc::prob_from_log;
    for (const double log :
         {0.0, -1e-300, -0.5, -3.25, -699.9, -700.1, -745.5, -12345.678, -9.87e8, 1e-4, 600.0, 700.1, 1e6})
        check(close(log_of(prob_from_log(log)), log), "log_of inverts prob_from_log");
    check(!prob_from_log(-kInfinity).positive(), "-inf is zero");
    check(!prob_from_log(-1e30).positive(), "a mask is zero");
    check(log_of(Prob{}) == -kInfinity, "the log of zero");
    check(!(Prob{} * Prob{} * ctc::one()).positive(), "zero times zero");
    check((Prob{} * Prob{}).exponent == Prob::kZeroExponent, "zero keeps its exponent");
    check(!(Prob{} + Prob{}).positive(), "zero plus zero");
    check(Prob{} < prob_from_log(-9e8) * prob_from_log(-9e8), "zero is below everything");
    const Prob half = prob_from_log(std::log(0.5));
    check(close(log_of(half + half), 0.0), "a half and a half");
    check(log_of(half + prob_from_log(-2000.0)) == log_of(half), "a far smaller term is absorbed");
    const Prob tiny = prob_from_log(-5000.0);
    check(close(log_of(tiny + tiny), -5000.0 + std::log(2.0)), "sums below the range of a double");
    check(close(log_of(tiny * tiny), -10000.0), "products below the range of a double");
    check(ctc::within(prob_from_log(-5e-13), ctc::one(), 1e-12), "within() across a power of two");
    check(!ctc::within(prob_from_log(-2e-12), ctc::one(), 1e-12), "2e-12 is not within 1e-12");
    check(!ctc::within(Prob{}, ctc::one(), 1e-12), "zero is within no tolerance");
}

void test_arena_order_and_freeing() {
    ctc::PrefixArena arena;
    constexpr auto kRoot = ctc::PrefixArena::kRoot;
    constexpr auto kNone = ctc::PrefixArena::kNone;
    const auto a = arena.insert(kRoot, 1, 1);
    const auto ab = arena.insert(a, 2, 2);
    const auto abc = arena.insert(ab, 3, 3);
    const auto b = arena.insert(kRoot, 2, 4);
    check(arena.labels(abc) == std::vector<std::int32_t>{1, 2, 3}, "labels() is in reading order");
    check(arena.precedes({kRoot, kNone}, {a, kNone}), "the empty labelling precedes the others");
    check(arena.precedes({ab, kNone}, {abc, kNone}) && !arena.precedes({abc, kNone}, {ab, kNone}),
          "a prefix precedes its extension");
    check(arena.precedes({abc, kNone}, {b, kNone}), "the first difference decides");
    check(arena.precedes({ab, 3}, {a, 3}) && !arena.precedes({a, 3}, {ab, 3}),
          "precedes() with a label to be appended");
    check(!arena.precedes({ab, 3}, {abc, kNone}) && !arena.precedes({abc, kNone}, {ab, 3}),
          "equal labellings do not precede each other");
    arena.remove(b);
    check(arena.live_nodes() == 4, "remove() frees a node without descendants");
    arena.remove(ab);
    arena.remove(a);
    check(arena.live_nodes() == 4 && arena.slot(ab) == kNone, "remove() deactivates a node with descendants");
    check(arena.insert(a, 2, 5) == ab && arena.slot(ab) == 5, "insert() reuses an inactive node");
    arena.remove(ab);
    arena.remove(abc);
    check(arena.live_nodes() == 1, "remove() frees inactive ancestors without other descendants");
    check(arena.insert(kRoot, 7, 1) != kRoot && arena.live_nodes() == 2, "freed nodes are reused");
}

void test_arena_at_random() {
    std::mt19937 random(1);
    ctc::PrefixArena arena;
    std::map<std::vector<std::int32_t>, ctc::PrefixArena::Node> beam;
    for (std::int32_t step = 0; step < 20000; ++step) {
        auto place = beam.begin();
        if (!beam.empty()) std::advance(place, random() % beam.size());
        if (beam.size() > 50 || (!beam.empty() && random() % 3 == 0)) {
            arena.remove(place->second);
            beam.erase(place);
            continue;
        }
        const auto parent = beam.empty() ? ctc::PrefixArena::kRoot : place->second;
        const auto label = static_cast<std::int32_t>(random() % 4);
        auto labels = arena.labels(parent);
        labels.push_back(label);
        if (beam.count(labels) > 0) continue;
        const auto node = arena.insert(parent, label, step + 1);
        check(arena.labels(node) == labels, "a node spells its labelling");
        for (const auto& other : beam) check(other.second != node, "two labellings have two nodes");
        beam.emplace(labels, node);
    }
    for (const auto& held : beam) arena.remove(held.second);
    check(arena.live_nodes() == 1, "only the root remains");
}

ctc::PrefixTree::Node append(ctc::PrefixTree& tree, ctc::PrefixTree::Node parent, std::int32_t label) {
    const std::int32_t length = tree.length(parent) + 1;
    const auto added = tree.append(1);
    *added.parent = parent;
    *added.label = label;
    *added.length = length;
    return added.first;
}

// Labellings with several nodes: what is compared are the labels.
void test_tree_order_and_common_prefix() {
    ctc::PrefixTree tree;
    constexpr auto kRoot = ctc::PrefixTree::kRoot;
    constexpr auto kNone = ctc::PrefixTree::kNone;
    const auto a = append(tree, kRoot, 1);
    const auto ab = append(tree, a, 2);
    const auto abc = append(tree, ab, 3);
    const auto a_again = append(tree, kRoot, 1);
    const auto ab_again = append(tree, a_again, 2);
    const auto abd = append(tree, ab_again, 4);
    check(tree.are_equal(ab, ab_again) && tree.are_equal(kRoot, kRoot),
          "two nodes of one labelling are equal");
    check(!tree.are_equal(abc, abd) && !tree.are_equal(a, ab), "other labellings are not");
    check(tree.precedes({abc, kNone}, {abd, kNone}) && !tree.precedes({abd, kNone}, {abc, kNone}),
          "the first difference decides behind equal nodes");
    check(tree.precedes({ab_again, kNone}, {abc, kNone}), "a prefix with another node precedes");
    check(!tree.precedes({ab, 4}, {abd, kNone}) && !tree.precedes({abd, kNone}, {ab, 4}),
          "equal labellings do not precede each other");
    const ctc::PrefixTree::Node both[] = {abc, abd};
    check(tree.common_prefix(both, 2) == std::vector<std::int32_t>{1, 2},
          "the prefix in common has equal nodes");
    const ctc::PrefixTree::Node nested[] = {abd, a};
    check(tree.common_prefix(nested, 2) == std::vector<std::int32_t>{1}, "a labelling is its own prefix");
    tree.set_parent(abd, ab);
    check(tree.labels(abd) == std::vector<std::int32_t>{1, 2, 4}, "another parent that spells the same");
}

void test_tree_at_random() {
    std::mt19937 random(3);
    ctc::PrefixTree tree;
    std::vector<ctc::PrefixTree::Node> beam{ctc::PrefixTree::kRoot};
    std::vector<std::vector<std::int32_t>> labels{{}};
    for (std::int32_t step = 0; step < 20000; ++step) {
        tree.make_room(beam.data(), beam.size(), 1);
        const std::size_t from = random() % beam.size();
        const auto label = static_cast<std::int32_t>(random() % 4);
        beam.push_back(append(tree, beam[from], label));
        labels.push_back(labels[from]);
        labels.back().push_back(label);
        check(tree.length(beam.back()) == static_cast<std::int32_t>(labels.back().size()),
              "length of a node");
        if (beam.size() <= 20) continue;
        const std::size_t out = random() % beam.size();
        beam.erase(beam.begin() + static_cast<std::ptrdiff_t>(out));
        labels.erase(labels.begin() + static_cast<std::ptrdiff_t>(out));
        if (step % 100 != 0) continue;
        for (std::size_t i = 0; i < beam.size(); ++i)
            check(tree.labels(beam[i]) == labels[i], "labellings in use outlive the search for free nodes");
    }
    std::size_t longest = 0;
    for (const auto& each : labels) longest = std::max(longest, each.size());
    check(tree.capacity() <= std::max<std::size_t>(2048, 4 * (1 + beam.size() * longest)),
          "memory is linear in what is in use");
}

bool same(const std::vector<ctc::Result>& a, const std::vector<ctc::Result>& b, double tolerance) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i].hypotheses.size() != b[i].hypotheses.size()) return false;
        for (std::size_t j = 0; j < a[i].hypotheses.size(); ++j) {
            const ctc::Hypothesis& x = a[i].hypotheses[j];
            const ctc::Hypothesis& y = b[i].hypotheses[j];
            if (x.labels != y.labels ||
                !(std::abs(x.log_prob - y.log_prob) <= tolerance * std::abs(y.log_prob)) ||
                x.frames != y.frames)
                return false;
        }
    }
    return a.size() == b.size();
}

// Compares all paths on sequences that are short, long, improbable or full of ties. All but `exact` must be
// bit-identical.
void test_paths_agree() {
    std::mt19937 random(3);
    for (int round = 0; round < 400; ++round) {
        const std::int32_t frames = 1 + static_cast<std::int32_t>(random() % 60);
        const std::int32_t classes = 1 + static_cast<std::int32_t>(random() % 70);
        const auto steps = 2 + random() % 5000;
        const double size = round % 7 == 0 ? 0.5 : 0.001 * static_cast<double>(1 + random() % 40);
        std::vector<double> values(static_cast<std::size_t>(frames) * static_cast<std::size_t>(classes));
        for (double& value : values) value = -size * static_cast<double>(random() % steps);
        const auto batch = views(values, 1, frames, classes);
        ctc::Options options;
        options.beam_width = 1 + static_cast<std::int32_t>(random() % 90);
        options.n_best = options.beam_width;
        options.blank = static_cast<std::int32_t>(random() % values.size()) % classes;
        options.path = ctc::Path::exact;
        const auto exact = ctc::prefix_beam_search(batch, options);
        options.path = ctc::Path::portable;
        const auto portable = ctc::prefix_beam_search(batch, options);
        check(same(exact, portable, 1e-12), "portable agrees with exact");
        for (const ctc::Path path : ctc::paths()) {
            if (path == ctc::Path::exact) continue;
            options.path = path;
            check(same(ctc::prefix_beam_search(batch, options), portable, 0.0), ctc::name_of(path));
        }
    }
}

// SelectStep and UpdateStep on four candidates: the empty labelling, (2), (1) and (3). The second and third
// tie.
void test_select_and_update_steps() {
    using Lanes = ctc::PortableLanes;
    ctc::LaneBeam<Lanes> beam;
    beam.start(4);
    ctc::LaneCandidates<Lanes> candidates;
    candidates.start(beam.capacity());
    candidates.stays = ctc::kLanes;
    candidates.blank.data()[0] = candidates.total.data()[0] = 0.5;
    candidates.count = candidates.stays;
    for (const auto& [label, total] : {std::pair{2U, 0.25}, {1U, 0.25}, {3U, 0.125}}) {
        candidates.total.data()[candidates.count] = total;
        candidates.id.data()[candidates.count++] = ctc::LaneCandidates<Lanes>::id_of(label, 0);
    }
    ctc::SelectStep<Lanes> select;
    const auto selected = select.run(beam, candidates, 1e-300, 2);
    check(selected.largest == 0.5 && selected.smallest_kept == 0.25, "totals of the selection");
    check(selected.keep[0] == 1 && selected.keep[1] == 2, "of a tie the first in order is kept");
    ctc::UpdateStep<Lanes> update;
    check(update.find_arrivals(selected.keep, 2, candidates).count == 1, "one labelling arrives");
    check(update.run(selected.keep, candidates, beam) && beam.rows == 2, "two rows");
    check(beam.tree.labels(beam.node.data()[1]) == std::vector<std::int32_t>{1}, "the row of the extension");
    check(beam.parent.data()[1] == 0 && beam.label.data()[1] == 0.25, "its parent and probability");
}

void test_edge_cases() {
    check(ctc::prefix_beam_search({}, {}).empty(), "no sequences");
    const std::vector<double> nan = {-1.0, -1.0, -1.0, std::nan("")};
    auto result = ctc::prefix_beam_search(views(nan, 1, 2, 2), {})[0];
    check(result.status == ctc::Status::not_a_log_prob && result.frame == 1,
          "NaN is reported with its frame");
    const std::vector<double> nothing = {-kInfinity, -1e30};
    result = ctc::prefix_beam_search(views(nothing, 1, 1, 2), {})[0];
    check(result.status == ctc::Status::impossible_frame, "a frame without a possible class");
    const std::vector<double> huge = {0.0, 1e9};
    result = ctc::prefix_beam_search(views(huge, 1, 1, 2), {})[0];
    check(result.status == ctc::Status::not_a_log_prob, "a value above every log-probability");
    result = ctc::prefix_beam_search(views({}, 1, 0, 2), {})[0];
    check(result.hypotheses.size() == 1 && result.hypotheses[0].labels.empty() &&
              result.hypotheses[0].log_prob == 0.0,
          "no frames: the empty labelling with probability 1");
}

}  // namespace

int main() {
    test_prob();
    test_arena_order_and_freeing();
    test_arena_at_random();
    test_tree_order_and_common_prefix();
    test_tree_at_random();
    test_paths_agree();
    test_select_and_update_steps();
    test_edge_cases();
    return ctc::report_failures();
}

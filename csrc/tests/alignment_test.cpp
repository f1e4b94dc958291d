// Tests of the alignment against the plain one, which stores a table of every step.
#include "ctc/alignment.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "ctc/greedy_alignment.hpp"
#include "ctc/lane_alignment.hpp"
#include "tests/checks.hpp"
#include "tests/plain_alignment.hpp"

namespace {

using ctc::check;
using ctc::views;

using Labels = std::vector<std::int32_t>;
using Alignment = ctc::LaneAlignment<ctc::PortableLanes>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// How far the classes of a frame are apart decides which alignments the bound drops.
constexpr int kKinds = 7;
double log_prob_of(std::mt19937& random, int kind, bool likely) {
    const double chance = static_cast<double>(random() % 100000) / 100000.0;
    switch (kind) {
        case 0:  // confident: a narrow band is left
            return likely ? -0.01 * chance : -20.0 - chance;
        case 1:  // noisy
            return (likely ? -1.0 : -3.0) - 6.0 * chance;
        case 2:  // all alike: every alignment is equally probable
            return -1.5;
        case 3:  // ties, in sums that round
            return -0.1 * static_cast<double>(random() % 3);
        case 4:  // impossible classes and masks
            return random() % 4 == 0 && !likely ? (random() % 2 == 0 ? -kInfinity : -1e30) : -5.0 * chance;
        case 5:  // far apart
            return -std::exp(12.0 * chance);
        default:  // rounding above 0, which the search tolerates
            return likely ? 1e-3 * chance : -4.0 * chance;
    }
}

struct Case {
    std::vector<double> values;
    Labels labels;
    std::int32_t frames, classes, blank;
};

// Log-probabilities in which one alignment is likely, and its labelling.
Case random_case(std::mt19937& random, int kind, std::int32_t most_frames) {
    Case made;
    made.frames = 1 + static_cast<std::int32_t>(random() % static_cast<unsigned>(most_frames));
    made.classes = 2 + static_cast<std::int32_t>(random() % 12);
    made.blank = static_cast<std::int32_t>(random() % static_cast<unsigned>(made.classes));
    const auto blanks = random() % 10;
    std::int32_t last = made.blank;
    for (std::int32_t frame = 0; frame < made.frames; ++frame) {
        const bool is_blank = random() % 10 < blanks;
        std::int32_t now = is_blank ? made.blank : static_cast<std::int32_t>(random() % 13) % made.classes;
        if (random() % 3 == 0) now = last;
        if (now != made.blank && now != last) made.labels.push_back(now);
        last = now;
        for (std::int32_t k = 0; k < made.classes; ++k)
            made.values.push_back(log_prob_of(random, kind, k == now));
    }
    return made;
}

void test_long_alignments_in_small_parts() {
    std::mt19937 random(1);
    std::size_t longest = 0;
    for (int round = 0; round < 1400; ++round) {
        const Case c = random_case(random, round % kKinds, round % 50 == 0 ? 900 : 120);
        const ctc::LogProbs log_probs = views(c.values, 1, c.frames, c.classes)[0];
        const auto expected = ctc::plain_peak_frames(log_probs, c.labels, c.blank);
        longest = std::max(longest, c.labels.size());
        check(ctc::peak_frames(log_probs, c.labels, c.blank) == expected, "an alignment in one part");
        for (const std::int64_t most_steps : {0, 1, 7, 60}) {
            Alignment alignment(most_steps);
            for (int repeat = 0; repeat < 2; ++repeat)
                check(alignment.peak_frames(log_probs, c.labels, c.blank) == expected, "in small parts");
        }
    }
    check(longest > 300, "some alignments are long");
}

// An object that is used again must not be influenced by the alignment before.
void test_one_object_for_many_alignments() {
    std::mt19937 random(2);
    Alignment small(20);
    Alignment large;
    for (int round = 0; round < 300; ++round) {
        const Case c = random_case(random, static_cast<int>(random() % kKinds), 80);
        const ctc::LogProbs log_probs = views(c.values, 1, c.frames, c.classes)[0];
        const auto expected = ctc::plain_peak_frames(log_probs, c.labels, c.blank);
        check(small.peak_frames(log_probs, c.labels, c.blank) == expected, "small parts, used again");
        check(large.peak_frames(log_probs, c.labels, c.blank) == expected, "one part, used again");
    }
}

// The labelling that the best path collapses to.
Labels best_path_of(const Case& c, ctc::GreedyAlignment& greedy) {
    Labels labels;
    std::int32_t last = c.blank;
    greedy.clear();
    for (std::int32_t frame = 0; frame < c.frames; ++frame) {
        const double* row = c.values.data() + frame * c.classes;
        double log_label = -kInfinity;
        for (std::int32_t k = 0; k < c.classes; ++k)
            if (k != c.blank) log_label = std::max(log_label, row[k]);
        greedy.add(log_label, row[c.blank]);
        const auto now = static_cast<std::int32_t>(std::max_element(row, row + c.classes) - row);
        if (now != c.blank && now != last) labels.push_back(now);
        last = now;
    }
    return labels;
}

// What is found without the Viterbi algorithm is what it finds.
void test_greedy_alignments() {
    std::mt19937 random(5);
    std::size_t found = 0;
    ctc::GreedyAlignment greedy;
    Labels peaks;
    for (int round = 0; round < 7000; ++round) {
        Case c = random_case(random, round % kKinds, 60);
        // Differences of single bits, which sums may round away.
        if (random() % 3 == 0)
            for (double& value : c.values)
                value = std::nextafter(value, random() % 2 == 0 ? 0.0 : -kInfinity);
        if (random() % 4 == 0)
            for (double& value : c.values) value = -1.0 - std::ldexp(static_cast<double>(random() % 4), -52);
        const ctc::LogProbs log_probs = views(c.values, 1, c.frames, c.classes)[0];
        const Labels best = best_path_of(c, greedy);
        const Labels shorter(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(best.size() / 2));
        for (const Labels& labels : {best, c.labels, shorter}) {
            if (!greedy.find_peaks(log_probs, labels, peaks)) continue;
            ++found;
            check(peaks == ctc::plain_peak_frames(log_probs, labels, c.blank), "a greedy alignment");
        }
        greedy.add(0.0, -1.0);
        check(!greedy.find_peaks(log_probs, best, peaks), "a frame more than those of the sequence");
    }
    check(found > 3000, "many alignments are found");
}

// Long enough to be divided by the lanes of every instruction set.
void test_every_path_on_long_sequences() {
    std::mt19937 random(3);
    for (int kind = 0; kind < kKinds; ++kind) {
        Case c;
        do c = random_case(random, kind, 3000);
        while (c.frames < 2500 || c.labels.size() < 1100);
        const auto batch = views(c.values, 1, c.frames, c.classes);
        ctc::Options options;
        options.beam_width = 4;
        options.n_best = 1;
        options.blank = c.blank;
        for (const ctc::Path path : ctc::paths()) {
            options.path = path;
            options.frames = true;
            const auto found = ctc::prefix_beam_search(batch, options)[0].hypotheses;
            for (const auto& h : found)
                check(h.frames == ctc::plain_peak_frames(batch[0], h.labels, c.blank), ctc::name_of(path));
            options.frames = false;
            const auto without = ctc::prefix_beam_search(batch, options)[0].hypotheses;
            check(without.size() == found.size(), "as many hypotheses without frames");
            for (std::size_t i = 0; i < found.size(); ++i)
                check(without[i].labels == found[i].labels && without[i].log_prob == found[i].log_prob &&
                          without[i].frames.empty(),
                      "the same hypotheses without frames");
        }
    }
}

// As if another thread wrote to the array while it is decoded: the alignment reads it after the search.
void test_invalid_values() {
    std::mt19937 random(4);
    const double strange[] = {std::nan(""), kInfinity, -kInfinity, 1e300, -1e300, 0.5};
    for (int round = 0; round < 1000; ++round) {
        const auto frames = 1 + static_cast<std::int32_t>(random() % 40);
        std::vector<double> values(static_cast<std::size_t>(frames) * 3);
        const unsigned rare = round % 2 == 0 ? 3 : 30;
        for (double& value : values)
            value = random() % rare == 0 ? strange[random() % std::size(strange)]
                                         : -static_cast<double>(random() % 1000) / 100.0;
        Labels labels(1 + random() % static_cast<std::size_t>(frames));
        for (std::int32_t& label : labels) label = 1 + static_cast<std::int32_t>(random() % 2);
        const ctc::LogProbs log_probs = views(values, 1, frames, 3)[0];
        const auto expected = ctc::plain_peak_frames(log_probs, labels, 0);
        for (const std::int64_t most_steps : {std::int64_t{1}, std::int64_t{10}, Alignment::kMostSteps}) {
            const auto found = Alignment(most_steps).peak_frames(log_probs, labels, 0);
            check(found == expected, "all alignments agree for any values");
            for (const std::int32_t frame : found)
                check(frame >= 0 && frame < frames, "a frame of the sequence");
        }
    }
}

}  // namespace

int main() {
    test_long_alignments_in_small_parts();
    test_one_object_for_many_alignments();
    test_greedy_alignments();
    test_every_path_on_long_sequences();
    test_invalid_values();
    return ctc::report_failures();
}

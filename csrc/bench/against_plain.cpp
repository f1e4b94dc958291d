// Benchmark of every path against a straightforward but well-written search, on inputs that could be slow:
// flat posteriors, many classes, a wide beam, many frames. Prints the plain search's seconds for each
// sequence and the medians of the ratios within each round.
//
// c++ -std=c++17 -O3 -ffp-contract=off -pthread -Icsrc csrc/bench/against_plain.cpp
//     $(ls csrc/*.cpp | grep -v bindings) -o against_plain && ./against_plain
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "ctc/prefix_arena.hpp"
#include "ctc/prefix_beam_search.hpp"

namespace {

using ctc::PrefixArena;

// Computes all extensions of all entries and selects the best with nth_element. Doubles, scaled each frame by
// the best total. It has no rule for ties and ignores underflow.
class PlainSearch {
  public:
    std::vector<std::int32_t> run(const std::vector<float>& logs, std::size_t classes, std::size_t width) {
        arena_.clear();
        beam_.assign(1, {PrefixArena::kRoot, 1.0, 0.0});
        probs_.resize(classes);
        for (std::size_t first = 0; first < logs.size(); first += classes) {
            for (std::size_t k = 0; k < classes; ++k)
                probs_[k] = std::exp(static_cast<double>(logs[first + k]));
            advance(classes, width);
        }
        const auto best = std::max_element(beam_.begin(), beam_.end(), [](const Entry& a, const Entry& b) {
            return a.blank + a.label < b.blank + b.label;
        });
        return arena_.labels(best->node);
    }

  private:
    struct Entry {
        PrefixArena::Node node;
        double blank, label;
    };
    struct Candidate {
        double total;
        std::size_t place;
    };

    // Candidate i * classes + k is entry i with k appended, or entry i unchanged where k is the blank, 0.
    void advance(std::size_t classes, std::size_t width) {
        all_.assign(beam_.size() * classes, 0.0);
        stayed_.clear();
        for (std::size_t i = 0; i < beam_.size(); ++i) {
            const Entry& entry = beam_[i];
            double* row = all_.data() + i * classes;
            const double total = entry.blank + entry.label;
            for (std::size_t k = 1; k < classes; ++k) row[k] = total * probs_[k];
            stayed_.push_back({entry.node, total * probs_[0], 0.0});
            if (entry.node == PrefixArena::kRoot) continue;
            const auto last = static_cast<std::size_t>(arena_.label(entry.node));
            row[last] = entry.blank * probs_[last];
            stayed_[i].label = entry.label * probs_[last];
        }
        for (std::size_t i = 0; i < beam_.size(); ++i) {
            Entry& entry = stayed_[i];
            if (entry.node != PrefixArena::kRoot) {
                const std::int32_t parent = arena_.slot(arena_.parent(entry.node));
                const auto last = static_cast<std::size_t>(arena_.label(entry.node));
                if (parent != PrefixArena::kNone) {
                    double& same = all_[static_cast<std::size_t>(parent) * classes + last];
                    entry.label += same;
                    same = 0.0;
                }
            }
            all_[i * classes] = entry.blank + entry.label;
        }
        candidates_.clear();
        for (std::size_t place = 0; place < all_.size(); ++place)
            if (all_[place] > 0.0) candidates_.push_back({all_[place], place});
        const auto higher = [](const Candidate& a, const Candidate& b) { return a.total > b.total; };
        if (candidates_.size() > width) {
            const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(width);
            std::nth_element(candidates_.begin(), last, candidates_.end(), higher);
            candidates_.erase(last, candidates_.end());
        }
        double top = 0.0;
        for (const Candidate& candidate : candidates_) top = std::max(top, candidate.total);
        next_.clear();
        kept_.assign(beam_.size(), false);
        for (const Candidate& candidate : candidates_) {
            const std::size_t i = candidate.place / classes;
            const std::size_t k = candidate.place % classes;
            const auto slot = static_cast<std::int32_t>(next_.size());
            if (k == 0) {
                kept_[i] = true;
                arena_.set_slot(stayed_[i].node, slot);
                next_.push_back({stayed_[i].node, stayed_[i].blank / top, stayed_[i].label / top});
            } else {
                const auto node = arena_.insert(beam_[i].node, static_cast<std::int32_t>(k), slot);
                next_.push_back({node, 0.0, candidate.total / top});
            }
        }
        for (std::size_t i = 0; i < beam_.size(); ++i)
            if (!kept_[i]) arena_.remove(beam_[i].node);
        beam_.swap(next_);
    }

    PrefixArena arena_;
    std::vector<Entry> beam_, next_, stayed_;
    std::vector<bool> kept_;
    std::vector<double> probs_, all_;
    std::vector<Candidate> candidates_;
};

struct Workload {
    const char* name;
    std::size_t frames, classes;
    std::int32_t width;
    double clarity, noise;
};

std::vector<float> draw(const Workload& work) {
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal;
    std::vector<float> logs;
    std::vector<double> row(work.classes);
    for (std::size_t frame = 0; frame < work.frames; ++frame) {
        for (double& value : row) value = work.noise * normal(random);
        row[frame % 5 == 0 ? random() % work.classes : 0] += work.clarity;
        double sum = 0.0;
        for (const double value : row) sum += std::exp(value);
        for (const double value : row) logs.push_back(static_cast<float>(value - std::log(sum)));
    }
    return logs;
}

template <class F>
double seconds(F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int count, char** arguments) {
    const Workload workloads[] = {
        {"captcha noisy", 18, 63, 25, 6.0, 1.5},
        {"captcha flat", 18, 63, 25, 0.0, 0.3},
        {"captcha exactly flat", 18, 63, 25, 0.0, 0.0},
        {"speech noisy", 500, 32, 25, 5.2, 1.5},
        {"2000 frames noisy", 2000, 63, 25, 6.0, 1.5},
        {"2000 frames confident", 2000, 63, 25, 16.5, 1.5},
        {"beam 500 noisy", 100, 63, 500, 6.0, 1.5},
        {"beam 500 flat", 100, 63, 500, 0.0, 0.3},
        {"5000 classes", 100, 5000, 25, 11.0, 1.5},
        {"5000 classes flat", 50, 5000, 25, 0.0, 0.3},
        {"5000 classes, beam 500", 50, 5000, 500, 11.0, 1.5},
        {"5000 classes, beam 500, flat", 20, 5000, 500, 0.0, 0.3},
    };
    const std::string wanted = count > 1 ? arguments[1] : "";
    for (const Workload& work : workloads) {
        if (std::string(work.name).find(wanted) == std::string::npos) continue;
        const std::vector<float> logs = draw(work);
        ctc::LogProbs sequence;
        sequence.data = reinterpret_cast<const unsigned char*>(logs.data());
        sequence.frame_stride = static_cast<std::ptrdiff_t>(sizeof(float) * work.classes);
        sequence.class_stride = sizeof(float);
        sequence.frames = static_cast<std::int32_t>(work.frames);
        sequence.classes = static_cast<std::int32_t>(work.classes);
        const std::vector<ctc::LogProbs> batch(work.classes < 1000 && work.width < 500 ? 64 : 4, sequence);
        ctc::Options options;
        options.beam_width = work.width;

        PlainSearch plain;
        const std::size_t runs = work.frames < 50 && work.classes < 1000 ? 64 : 1;
        std::vector<double> plain_times;
        std::vector<std::vector<double>> times(ctc::paths().size());
        for (int round = 0; round < 5; ++round) {
            plain_times.push_back(seconds([&] {
                for (std::size_t i = 0; i < runs; ++i)
                    plain.run(logs, work.classes, static_cast<std::size_t>(work.width));
            }));
            for (std::size_t i = 0; i < times.size(); ++i) {
                options.path = ctc::paths()[i];
                times[i].push_back(seconds([&] { ctc::prefix_beam_search(batch, options); }));
            }
        }
        std::printf("%-30s plain %9.6f s", work.name, median(plain_times) / static_cast<double>(runs));
        for (std::size_t i = 0; i < times.size(); ++i) {
            std::vector<double> ratios;
            for (std::size_t round = 0; round < times[i].size(); ++round)
                ratios.push_back(plain_times[round] / times[i][round] * static_cast<double>(batch.size()) /
                                 static_cast<double>(runs));
            std::printf("  %s %.1fx", ctc::name_of(ctc::paths()[i]), median(ratios));
        }
        std::printf("\n");
        std::fflush(stdout);
    }
    return 0;
}

// libFuzzer target. For any input, with and without a guide, there must be no crash, all paths must be
// bit-identical, they must agree with ExactSearch, and frames must be those of the plain alignment, also
// where it is computed in parts. The most probable labelling within a constraint must be accepted, and its
// gap a bound.
//
// clang++ -std=c++17 -g -O2 -ffp-contract=off -fsanitize=fuzzer,address,undefined -pthread -Icsrc
//     csrc/fuzz/search_fuzz.cpp $(ls csrc/*.cpp | grep -v bindings) -o search_fuzz && ./search_fuzz
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "ctc/automaton.hpp"
#include "ctc/best_labelling.hpp"
#include "ctc/lane_alignment.hpp"
#include "ctc/prefix_beam_search.hpp"
#include "tests/plain_alignment.hpp"
#include "tests/random_automaton.hpp"

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::abort();
}

// Reads numbers from the input. Behind its end come zeros, or random numbers seeded by the last four bytes.
class Bytes {
  public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    std::uint32_t next() {
        if (size_ == 0) {
            if (state_ % 2 == 0) return 0;
            state_ = state_ * 1664525U + 1013904224U;  // stays odd
            return state_ >> 24;
        }
        --size_;
        state_ = state_ << 8 | *data_;
        return *data_++;
    }
    std::int32_t below(std::uint32_t end) { return static_cast<std::int32_t>(next() % end); }

  private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::uint32_t state_ = 0;
};

// Log-probabilities that are hard for a search: ties, near ties, -inf, masks, and far below a double's range.
double log_prob(Bytes& bytes, std::uint32_t kind) {
    const std::uint32_t byte = bytes.next();
    const double value = byte;
    switch (kind) {
        case 0:
            return -value / 16.0;
        case 1:
            return -value * 3.0;
        case 2:
            return -static_cast<double>(byte % 4);
        case 3:
            // Over forty frames these differ by less than a tie, so rounding does not decide the order.
            return -static_cast<double>(byte / 16) - static_cast<double>(byte % 16) * 1e-15;
        case 4:
            return byte % 3 == 0 ? -std::numeric_limits<double>::infinity() : -value / 8.0;
        case 5:
            return -std::exp(value / 11.0);
        case 6:
            return byte < 2 ? -1e30 : -value * value / 64.0;
        default:
            return byte == 255 ? std::numeric_limits<double>::quiet_NaN() : 0.1 - value;
    }
}

bool same(const ctc::Result& a, const ctc::Result& b, double tolerance) {
    if (a.status != b.status || a.frame != b.frame || a.hypotheses.size() != b.hypotheses.size())
        return false;
    for (std::size_t i = 0; i < a.hypotheses.size(); ++i) {
        const ctc::Hypothesis& x = a.hypotheses[i];
        const ctc::Hypothesis& y = b.hypotheses[i];
        if (x.labels != y.labels || x.frames != y.frames) return false;
        if (!(std::abs(x.log_prob - y.log_prob) <= tolerance * std::fmax(1.0, std::abs(y.log_prob))))
            return false;
    }
    return true;
}

// Decodes by all paths. Returns the result of the portable one.
ctc::Result compare_paths(const ctc::LogProbs& sequence, ctc::Options options) {
    options.path = ctc::Path::exact;
    const ctc::Result exact = ctc::prefix_beam_search({sequence}, options)[0];
    options.path = ctc::Path::portable;
    const ctc::Result portable = ctc::prefix_beam_search({sequence}, options)[0];
    require(same(portable, exact, 1e-9), "the answer of the exact search");
    for (const ctc::Path path : ctc::paths()) {
        if (path == ctc::Path::exact) continue;
        options.path = path;
        require(same(ctc::prefix_beam_search({sequence}, options)[0], portable, 0.0), ctc::name_of(path));
    }
    return portable;
}

// The labelling is accepted and its gap a bound, by the beam of all paths; all paths agree.
void check_best(const ctc::LogProbs& sequence, const ctc::Options& options,
                const ctc::Automaton& constraint) {
    ctc::Options guided = options;
    guided.guide = &constraint;
    const ctc::Result beam = ctc::prefix_beam_search({sequence}, guided)[0];
    ctc::BestOptions wanted;
    wanted.blank = options.blank;
    wanted.beam_width = options.beam_width;
    wanted.constraint = &constraint;
    for (const std::int32_t nodes : {0, 5, 1000}) {
        wanted.nodes = nodes;
        wanted.path = ctc::Path::portable;
        const ctc::BestLabelling best = ctc::best_labellings({sequence}, wanted)[0];
        require(best.status == beam.status && best.frame == beam.frame, "the status of the beam search");
        if (best.status == ctc::Status::ok) {
            const bool found = best.log_prob > -std::numeric_limits<double>::infinity();
            require(found || beam.hypotheses.empty(), "what the beam search finds");
            require(!found || constraint.accepts(best.labels), "an accepted labelling");
            require(best.gap >= 0.0 && (best.gap == 0.0) == (best.proof != ctc::Proof::none), "the gap");
            const double rounding = 1e-9 * std::fmax(1.0, std::abs(best.log_prob));
            for (const ctc::Hypothesis& other : beam.hypotheses)
                require(other.log_prob <= best.log_prob + best.gap + rounding, "none above the gap");
        }
        for (const ctc::Path path : ctc::paths()) {
            if (path == ctc::Path::exact) continue;
            wanted.path = path;
            const ctc::BestLabelling again = ctc::best_labellings({sequence}, wanted)[0];
            require(again.labels == best.labels && again.log_prob == best.log_prob &&
                        again.proof == best.proof && again.gap == best.gap,
                    ctc::name_of(path));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes bytes(data, size);
    ctc::Options options;
    const std::int32_t classes = 1 + bytes.below(bytes.below(8) == 0 ? 70 : 6);
    const std::int32_t frames = bytes.below(40);
    options.beam_width = 1 + bytes.below(bytes.below(8) == 0 ? 80 : 12);
    options.n_best = options.beam_width;
    options.blank = bytes.below(static_cast<std::uint32_t>(classes));
    const bool single = bytes.below(2) == 0;
    const bool transposed = bytes.below(4) == 0;
    const std::uint32_t kind = bytes.next() % 8;
    const std::int32_t most_steps = bytes.below(24);

    std::vector<float> floats;
    std::vector<double> doubles;
    for (std::int32_t i = 0; i < classes * frames; ++i) {
        const double value = log_prob(bytes, kind);
        if (single)
            floats.push_back(static_cast<float>(value));
        else
            doubles.push_back(value);
    }
    ctc::LogProbs sequence;
    const auto step = static_cast<std::ptrdiff_t>(single ? sizeof(float) : sizeof(double));
    sequence.dtype = single ? ctc::Dtype::float32 : ctc::Dtype::float64;
    sequence.data = single ? reinterpret_cast<const unsigned char*>(floats.data())
                           : reinterpret_cast<const unsigned char*>(doubles.data());
    sequence.frames = frames;
    sequence.classes = classes;
    sequence.frame_stride = transposed ? step : step * classes;
    sequence.class_stride = transposed ? step * frames : step;

    const ctc::Result portable = compare_paths(sequence, options);
    ctc::LaneAlignment<ctc::PortableLanes> in_parts(most_steps);
    for (const ctc::Hypothesis& hypothesis : portable.hypotheses) {
        const auto plain = ctc::plain_peak_frames(sequence, hypothesis.labels, options.blank);
        require(hypothesis.frames == plain, "the frames of the plain alignment");
        require(in_parts.peak_frames(sequence, hypothesis.labels, options.blank) == plain,
                "in parts as well");
    }
    const auto below = [&](std::uint32_t end) { return bytes.below(end); };
    const ctc::Automaton automaton(ctc::random_automaton(below, classes, options.blank));
    options.guide = &automaton;
    compare_paths(sequence, options);
    if (!automaton.weighted()) check_best(sequence, options, automaton);
    return 0;
}

// Prefix beam search for CTC (Graves 2006; Hannun 2014): the whole interface of the library.
//
//     std::vector<ctc::LogProbs> batch{...};                   // where the log-probs lie; nothing is copied
//     auto results = ctc::prefix_beam_search(batch, options);  // one Result a sequence
//
// After each frame the `beam_width` labellings with the highest total probability are kept, where a
// labelling's total is the sum over all alignments so far that spell it, ending in blank or in its last
// label. Sums are taken in linear arithmetic with a wide exponent (prob.hpp), so nothing underflows.
//
// Ties: the candidates of a frame are sorted by total, highest first, and cut into groups: a group is a first
// candidate and all after it that are below it by less than kTie of its total. Groups keep their order;
// inside a group the lexicographically smaller labelling comes first. Labellings of probability zero never
// come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ctc {

constexpr double kTie = 1e-12;

// A logarithm of a probability may exceed 0 by rounding alone: that of float16 is as coarse as this.
constexpr double kHighestLog = 1e-3;

// The code that decodes: the fastest that the machine has, or a certain one, to test it. All give the same
// bits but for `exact`, which the others fall back to: its sums can differ from theirs in the last place.
enum class Path { automatic, portable, sse2, avx2, avx512, exact };

// Those that this build has and this machine can run, the fastest first, `exact` last.
std::vector<Path> paths();
const char* name_of(Path path);

enum class Dtype { float32, float64 };

// Most classes: rows are padded to eights, and there is one class more than there are.
constexpr std::int32_t kMostClasses = 2147483647 - 64;

// One sequence of natural logarithms, (frames, classes), anywhere in memory where the dtype is aligned.
// Strides are in bytes, of any sign. `classes` at most kMostClasses. The values must stay as they are while
// they are decoded.
struct LogProbs {
    const unsigned char* data = nullptr;
    Dtype dtype = Dtype::float32;
    std::ptrdiff_t frame_stride = 0;
    std::ptrdiff_t class_stride = 0;
    std::int32_t frames = 0;
    std::int32_t classes = 0;

    double at(std::int32_t frame, std::int32_t label) const {
        const unsigned char* where = data + frame * frame_stride + label * class_stride;
        return dtype == Dtype::float32 ? static_cast<double>(*reinterpret_cast<const float*>(where))
                                       : *reinterpret_cast<const double*>(where);
    }
};

struct Options {
    std::int32_t beam_width = 25;  // at least 1
    std::int32_t blank = 0;        // in [0, classes)
    std::int32_t n_best = 1;       // in [1, beam_width]
    std::int32_t threads = 1;      // at least 1; the results do not depend on it
    Path path = Path::automatic;   // one of paths()
};

struct Hypothesis {
    std::vector<std::int32_t> labels;
    double log_prob = 0.0;             // of the labelling, as the beam summed it
    std::vector<std::int32_t> frames;  // one a label, strictly rising; see alignment.hpp
};

enum class Status {
    ok,
    not_a_log_prob,    // NaN, or above kHighestLog
    impossible_frame,  // every class of a frame has probability zero
};

struct Result {
    Status status = Status::ok;
    std::int32_t frame = 0;              // where the status was met, if not ok
    std::vector<Hypothesis> hypotheses;  // best first, at most n_best; empty unless ok
};

// Decodes each sequence by itself: no result depends on the others, on their order or on the threads.
// Throws std::bad_alloc, and nothing else.
std::vector<Result> prefix_beam_search(const std::vector<LogProbs>& batch, const Options& options);

}  // namespace ctc

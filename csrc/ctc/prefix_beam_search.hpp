// Prefix beam search for CTC (Graves 2006; Hannun 2014): the whole interface of the library.
//
//     std::vector<ctc::LogProbs> batch{...};                   // views of the log-probs; nothing is copied
//     auto results = ctc::prefix_beam_search(batch, options);  // one Result for each sequence
//
// After each frame the `beam_width` labellings with the highest total probability are kept. The total of a
// labelling is the sum over all its alignments up to that frame, whether they end in blank or in its last
// label. Nothing underflows: a sequence whose probabilities do not fit into doubles is decoded with a wider
// exponent (prob.hpp).
//
// Ties: the candidates of a frame are sorted by total, highest first, and divided into groups: a group is a
// first candidate and all following ones that are below it by less than kTie of its total. Groups keep their
// order; inside a group the lexicographically smaller labelling comes first. Labellings of probability zero
// are never returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ctc {

class Guide;

constexpr double kTie = 1e-12;

// The largest value that is accepted as a logarithm of a probability. Rounding can lift one above 0, in
// float16 by this much.
constexpr double kHighestLog = 1e-3;

// The code path: `automatic` is the fastest that the machine can run; the others can be chosen for tests. All
// have bit-identical results except `exact`, to which the others fall back: its sums can differ in the last
// place.
enum class Path { automatic, portable, sse2, avx2, avx512, exact };

// Returns the paths that this build has and this machine can run, the fastest first, `exact` last.
std::vector<Path> paths();
const char* name_of(Path path);

enum class Dtype { float32, float64 };

// The largest number of classes: rows have one element more and are padded to multiples of eight.
constexpr std::int32_t kMostClasses = 2147483647 - 64;

// A view of one sequence of natural logarithms with shape (frames, classes). `data` and the strides, which
// are in bytes and may be negative, must keep values aligned. `classes` is at most kMostClasses. The values
// must not change while they are decoded.
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
    bool frames = true;            // whether to compute Hypothesis::frames
    // For a guided search; it must outlive the call, and be for the classes of every sequence. Totals are
    // then multiplied by the guide's weights (guide.hpp), and a labelling that can no longer end in the
    // frames that remain is dropped.
    const Guide* guide = nullptr;
};

struct Hypothesis {
    std::vector<std::int32_t> labels;
    double log_prob = 0.0;  // sum over the alignments that were in the beam, times the guide's weights
    // One for each label, strictly increasing; see alignment.hpp. Empty without Options::frames.
    std::vector<std::int32_t> frames;
};

enum class Status {
    ok,
    not_a_log_prob,    // NaN, or above kHighestLog
    impossible_frame,  // every class of a frame has probability zero
};

struct Result {
    Status status = Status::ok;
    std::int32_t frame = 0;  // the first frame with that status, if not ok
    // Best first, at most n_best; empty unless ok. A guided search finds none if no labelling may end within
    // the frames, or if the beam was too narrow to hold the beginning of one that may.
    std::vector<Hypothesis> hypotheses;
};

// Decodes each sequence independently: a result depends neither on the other sequences nor on the number of
// threads. Throws std::bad_alloc and nothing else.
std::vector<Result> prefix_beam_search(const std::vector<LogProbs>& batch, const Options& options);

}  // namespace ctc

// Prefix beam search over frames that arrive in pieces.
//
//     ctc::Stream stream(options);
//     while (...) {
//         stream.push(piece);  // any number of frames
//         stream.stable_prefix();
//     }
//     auto hypotheses = stream.finish();
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ctc/frame_search.hpp"
#include "ctc/prefix_beam_search.hpp"

namespace ctc {

// The frames of a sequence so far, one after another: float32 until a float64 piece is added.
class FrameStore {
  public:
    // Adds the frames of `piece`, which must have as many classes as the earlier ones.
    void append(const LogProbs& piece);
    // Drops the frames from `frames` on, also those of an append() that has thrown.
    void truncate(std::int32_t frames);
    // A view, valid until the next change.
    LogProbs view() const;

  private:
    bool single_ = true;
    std::int32_t frames_ = 0;
    std::int32_t classes_ = 0;
    std::vector<float> singles_;
    std::vector<double> doubles_;
};

// The results are those of prefix_beam_search() with the frames so far, bit for bit, however they are divided
// into pieces.
//
// Every frame is kept until finish(), at 4 bytes for each class (8 after a float64 piece): ExactSearch reads
// them all again if the fast search refuses the sequence, and the frames of the labels need them at the end.
// The beam takes as much memory as in prefix_beam_search().
class Stream {
  public:
    // Options::threads is not used. Options::guide must be null: a guided search has to know the number of
    // frames.
    explicit Stream(const Options& options) : options_(options) {}

    // Adds the frames of `piece`; all pieces must have the same number of classes. If a frame cannot be
    // decoded, no frame is added; the status says why, and the frame is its place in the piece. If it throws
    // std::bad_alloc, or std::length_error for more than 2^31 - 1 frames, no frame is added either.
    Result push(const LogProbs& piece);

    // Returns the best labelling so far, without the frames of its labels.
    Hypothesis best();

    // Returns the longest common prefix of all labellings in the beam. No later frame can change it: what
    // best() and finish() return later begins with it.
    std::vector<std::int32_t> stable_prefix();

    // Returns the hypotheses that prefix_beam_search() returns for all frames, and frees the memory. The
    // stream must not be used afterwards.
    std::vector<Hypothesis> finish();

  private:
    FrameSearch& advanced_search();

    Options options_;
    FrameStore frames_;
    std::unique_ptr<FrameSearch> search_;  // the fast one until it refuses
    std::int32_t searched_ = -1;           // the frames that search_ has read; -1 if it has to be started
};

}  // namespace ctc

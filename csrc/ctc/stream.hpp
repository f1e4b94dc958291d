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
#include "ctc/guide.hpp"
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

// The final result is that of prefix_beam_search() with all frames, bit for bit, however they are divided
// into pieces.
//
// A guided search drops what cannot end in the frames that remain, and a stream does not know their number.
// But while Guide::most_frames_to_end() of them or more remain, the number decides nothing: nothing is
// dropped for it. So the search of a stream stays that many frames behind those that were pushed, and reads
// the last ones in finish(), which knows their number.
//
// Every frame is kept until finish(), at 4 bytes for each class (8 after a float64 piece): ExactSearch reads
// them all again if the fast search refuses the sequence, and the frames of the labels need them at the end.
// The beam takes as much memory as in prefix_beam_search().
class Stream {
  public:
    // Options::threads is not used. Options::guide must outlive the stream.
    explicit Stream(const Options& options)
        : options_(options), behind_(options.guide == nullptr ? 0 : options.guide->most_frames_to_end()) {}

    // Adds the frames of `piece`; all pieces must have the same number of classes. If a frame cannot be
    // decoded, no frame is added; the status says why, and the frame is its place in the piece. If it throws
    // std::bad_alloc, or std::length_error for more than 2^31 - 1 frames, no frame is added either.
    Result push(const LogProbs& piece);

    // Returns the best labelling so far, without the frames of its labels. With a guide it need not be
    // permitted to end yet, and an end has no weight: it is the best of a search that drops nothing for want
    // of frames. Where no labelling is left it is the empty one with log-probability -inf.
    Hypothesis best();

    // Returns the longest common prefix of all labellings in the beam, with a guide in that of the search
    // that is behind. No later frame can change it: what finish() returns begins with it.
    std::vector<std::int32_t> stable_prefix();

    // Returns the hypotheses that prefix_beam_search() returns for all frames, and frees the memory. The
    // stream must not be used afterwards.
    std::vector<Hypothesis> finish();

  private:
    // A search and the frames that it has read.
    struct Search {
        std::unique_ptr<FrameSearch> search;  // the fast one until it refuses
        std::int32_t frames = -1;             // -1 if it has to be started
    };
    void advance(Search& search, std::int32_t end, bool last);

    Options options_;
    std::int32_t behind_;  // frames
    FrameStore frames_;
    Search search_;
    Search ahead_;  // for best(), of all frames; only used if behind_ is not 0
};

}  // namespace ctc

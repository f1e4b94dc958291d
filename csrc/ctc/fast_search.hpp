// The search that decodes nearly every sequence: in doubles, with SIMD instructions.
#pragma once

#include <memory>

#include "ctc/frame_search.hpp"
#include "ctc/prefix_beam_search.hpp"

namespace ctc {

// Finds the labellings that ExactSearch finds, or refuses: see lane_losses.hpp.
class FastSearch : public FrameSearch {
  public:
    // Decodes a sequence and returns true. Returns false if its probabilities are too far apart for doubles;
    // then ExactSearch has to decode it.
    virtual bool run(const LogProbs& log_probs, Result& result) = 0;
};

// Returns the search for options.path, or null for Path::exact, for a guide whose rows would need too much
// memory (guide_cache_size.hpp), and for one with a log weight above Guide::kHighestInDoubles.
std::unique_ptr<FastSearch> make_fast_search(const Options& options);

// One for each instruction set, each in an isa_*.cpp. The last three exist in x86-64 builds only.
std::unique_ptr<FastSearch> make_portable_search(const Options& options);
std::unique_ptr<FastSearch> make_sse2_search(const Options& options);
std::unique_ptr<FastSearch> make_avx2_search(const Options& options);
std::unique_ptr<FastSearch> make_avx512_search(const Options& options);

}  // namespace ctc

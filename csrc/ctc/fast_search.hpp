// The search in plain doubles, a register at a time: what nearly every sequence is decoded by.
#pragma once

#include <memory>

#include "ctc/prefix_beam_search.hpp"

namespace ctc {

// The answer is that of ExactSearch, or there is none: see kLost in lane_search.hpp.
class FastSearch {
  public:
    virtual ~FastSearch() = default;

    // Whether the result is found. If not, the sequence holds numbers too far apart, and ExactSearch has to
    // do it.
    virtual bool run(const LogProbs& log_probs, Result& result) = 0;
};

// For options.path; null for Path::exact.
std::unique_ptr<FastSearch> make_fast_search(const Options& options);

// One for each instruction set, in a file of its own. Null where the build does not have it.
std::unique_ptr<FastSearch> make_portable_search(const Options& options);
std::unique_ptr<FastSearch> make_sse2_search(const Options& options);
std::unique_ptr<FastSearch> make_avx2_search(const Options& options);
std::unique_ptr<FastSearch> make_avx512_search(const Options& options);

}  // namespace ctc

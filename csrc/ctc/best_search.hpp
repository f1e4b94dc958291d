// The search for the most probable labelling of one sequence, for each instruction set.
#pragma once

#include <memory>

#include "ctc/best_labelling.hpp"

namespace ctc {

// Decodes one sequence at a time. Memory is kept between sequences.
class BestSearch {
  public:
    virtual ~BestSearch() = default;
    virtual BestLabelling run(const LogProbs& log_probs) = 0;
};

// Returns the search for options.path. All paths have bit-identical results, unless the beam search is needed
// and the path is Path::exact.
std::unique_ptr<BestSearch> make_best_search(const BestOptions& options);

// One for each instruction set, each in an isa_*.cpp. The last three exist in x86-64 builds only.
std::unique_ptr<BestSearch> make_portable_best_search(const BestOptions& options);
std::unique_ptr<BestSearch> make_sse2_best_search(const BestOptions& options);
std::unique_ptr<BestSearch> make_avx2_best_search(const BestOptions& options);
std::unique_ptr<BestSearch> make_avx512_best_search(const BestOptions& options);

}  // namespace ctc

// Decoding of a batch by several threads.
#include "ctc/prefix_beam_search.hpp"

#include <memory>
#include <utility>

#include "ctc/exact_search.hpp"
#include "ctc/fast_search.hpp"
#include "ctc/parallel.hpp"

namespace ctc {

std::vector<Result> prefix_beam_search(const std::vector<LogProbs>& batch, const Options& options) {
    std::vector<Result> results(batch.size());
    share_among_threads(batch.size(), options.threads, [&] {
        return [&, fast = make_fast_search(options), exact = ExactSearch(options)](std::size_t i) mutable {
            // Written once: a search writes the status in every frame, and results that are next to each
            // other in memory share a cache line.
            Result result;
            if (fast == nullptr || !fast->run(batch[i], result)) result = exact.run(batch[i]);
            results[i] = std::move(result);
        };
    });
    return results;
}

}  // namespace ctc

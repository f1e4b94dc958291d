// best_labellings(): the sequences of a batch.
#include "ctc/best_labelling.hpp"

#include "ctc/best_search.hpp"
#include "ctc/parallel.hpp"

namespace ctc {

std::vector<BestLabelling> best_labellings(const std::vector<LogProbs>& batch, const BestOptions& options) {
    std::vector<BestLabelling> found(batch.size());
    share_among_threads(batch.size(), options.threads, [&] {
        return [&, search = make_best_search(options)](std::size_t i) { found[i] = search->run(batch[i]); };
    });
    return found;
}

}  // namespace ctc

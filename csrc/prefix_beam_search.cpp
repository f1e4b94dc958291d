// Decoding of a batch by several threads.
#include "ctc/prefix_beam_search.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "ctc/exact_search.hpp"
#include "ctc/fast_search.hpp"

namespace ctc {

std::vector<Result> prefix_beam_search(const std::vector<LogProbs>& batch, const Options& options) {
    std::vector<Result> results(batch.size());
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_mutex;

    // Decodes sequences until none is left. A result does not depend on the thread that computes it.
    const auto work = [&] {
        try {
            const std::unique_ptr<FastSearch> fast = make_fast_search(options);
            ExactSearch exact(options);
            for (std::size_t i = next++; i < batch.size(); i = next++)
                if (fast == nullptr || !fast->run(batch[i], results[i])) results[i] = exact.run(batch[i]);
        } catch (...) {
            const std::lock_guard<std::mutex> lock(failure_mutex);
            failure = std::current_exception();
            next = batch.size();
        }
    };

    const std::size_t workers = std::min(static_cast<std::size_t>(options.threads), batch.size());
    std::vector<std::thread> helpers;
    helpers.reserve(workers);
    try {
        while (helpers.size() + 1 < workers) helpers.emplace_back(work);
    } catch (const std::exception&) {
        // No more threads, or no memory for one: continue with those that have started.
    }
    work();
    for (std::thread& helper : helpers) helper.join();
    if (failure) std::rethrow_exception(failure);
    return results;
}

}  // namespace ctc

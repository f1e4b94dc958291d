// Work on the sequences of a batch by several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace ctc {

// Calls `work(i)` once for each i in [0, count), where `work` is what `make_work()` returns: one for each
// thread, so that it can keep memory between sequences. Rethrows what the last failing one threw.
template <class MakeWork>
void share_among_threads(std::size_t count, std::int32_t threads, MakeWork make_work) {
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_mutex;

    // Takes sequences until none is left. A result does not depend on the thread that computes it.
    const auto run = [&] {
        try {
            auto work = make_work();
            for (std::size_t i = next++; i < count; i = next++) work(i);
        } catch (...) {
            const std::lock_guard<std::mutex> lock(failure_mutex);
            failure = std::current_exception();
            next = count;
        }
    };

    const std::size_t workers = std::min(static_cast<std::size_t>(threads), count);
    std::vector<std::thread> helpers;
    helpers.reserve(workers);
    try {
        while (helpers.size() + 1 < workers) helpers.emplace_back(run);
    } catch (const std::exception&) {
        // No more threads, or no memory for one: continue with those that have started.
    }
    run();
    for (std::thread& helper : helpers) helper.join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace ctc

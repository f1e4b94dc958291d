// Work on the sequences of a batch by several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>

#include "ctc/thread_pool.hpp"

namespace ctc {

// Asked by the thread that calls share_among_threads, between its sequences and at most ten times a second:
// whether the call is to be abandoned. Null for never. Each thread has its own.
using StopRequested = bool (*)();
inline thread_local StopRequested stop_requested = nullptr;

// Thrown by a call that was abandoned.
struct Stopped {};

// Calls `work(i)` once for each i in [0, count) on up to `threads` threads, where `work` is what
// `make_work()` returns: one for each thread, so that it can keep memory between sequences. Rethrows what the
// last failing one threw, and throws Stopped after `stop_requested` has returned true.
template <class MakeWork>
void share_among_threads(std::size_t count, std::int32_t threads, MakeWork make_work) {
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_mutex;

    // Takes sequences until none is left. A result does not depend on the thread that computes it.
    const auto run = [&] {
        if (next >= count) return;  // The others were faster than this thread was awake.
        using Clock = std::chrono::steady_clock;
        const StopRequested stop = stop_requested;
        Clock::time_point asked = Clock::now();
        try {
            auto work = make_work();
            for (std::size_t i = next++; i < count; i = next++) {
                work(i);
                if (stop == nullptr || Clock::now() - asked < std::chrono::milliseconds(100)) continue;
                if (stop()) throw Stopped();
                asked = Clock::now();
            }
        } catch (...) {
            const std::lock_guard<std::mutex> lock(failure_mutex);
            failure = std::current_exception();
            next = count;
        }
    };

    const std::size_t workers = std::min(static_cast<std::size_t>(threads), count);
    if (workers > 1) {
        ThreadPool::instance().run(workers - 1, run);
    } else {
        run();
    }
    if (failure) std::rethrow_exception(failure);
}

}  // namespace ctc

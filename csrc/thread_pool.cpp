// Threads that are kept between calls.
#include "ctc/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#ifndef _WIN32
#include <pthread.h>
#endif

namespace ctc {

namespace {

// Never destroyed: the threads may wait in it until the process ends.
std::atomic<ThreadPool*> pool{nullptr};

// In a child process, the pool of the parent has no threads, and its mutex may be locked for ever.
void forget_pool_in_children() {
#ifndef _WIN32
    static const int registered = pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); });
    static_cast<void>(registered);
#endif
}

std::size_t most_threads() {
    return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

ThreadPool& ThreadPool::instance() {
    forget_pool_in_children();
    ThreadPool* found = pool.load();
    if (found == nullptr) {
        auto* made = new ThreadPool;
        if (pool.compare_exchange_strong(found, made)) return *made;
        delete made;  // Another thread was faster.
    }
    return *found;
}

void ThreadPool::run(std::size_t helpers, const std::function<void()>& work) {
    helpers = std::min(helpers, most_threads());
    Call call{work};
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        wanted_.insert(wanted_.end(), helpers, &call);
        start_missing();
    }
    wake_.notify_all();
    work();
    std::unique_lock<std::mutex> lock(mutex_);
    // All work is done or being done: helpers that have not come yet are not needed.
    wanted_.erase(std::remove(wanted_.begin(), wanted_.end(), &call), wanted_.end());
    call.finished.wait(lock, [&] { return call.running == 0; });
}

void ThreadPool::start_missing() {
    try {
        while (threads_ < most_threads() && idle_ < wanted_.size()) {
            std::thread([this] { serve(); }).detach();
            ++threads_;
            ++idle_;
        }
    } catch (const std::exception&) {
        // No more threads, or no memory for one: continue with those that have started.
    }
}

void ThreadPool::serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return !wanted_.empty(); });
        Call& call = *wanted_.back();
        wanted_.pop_back();
        ++call.running;
        --idle_;
        lock.unlock();
        call.work();
        lock.lock();
        ++idle_;
        // Notified while the mutex is held: as soon as it is free, the call may return and end.
        if (--call.running == 0) call.finished.notify_one();
    }
}

}  // namespace ctc

// Threads that are kept between calls.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace ctc {

// Helper threads that wait for work. To start a thread takes as long as to decode a few captchas, and longer
// on a busy machine; to wake one takes less.
//
// The pool has at most one thread for each hardware thread, started when first needed. Where all are busy
// with other calls, a call is executed by fewer threads or by its own alone. The threads end with the
// process.
class ThreadPool {
  public:
    // The pool of this process. A child process made by fork, which has no threads but the one that called
    // fork, gets a new pool.
    static ThreadPool& instance();

    // Calls `work` on this thread and at the same time on up to `helpers` others, and returns when all have
    // returned. `work` must not throw, and must do nothing where no work is left.
    void run(std::size_t helpers, const std::function<void()>& work);

  private:
    struct Call {
        const std::function<void()>& work;
        std::size_t running = 0;  // helpers that execute `work`
        std::condition_variable finished{};
    };

    void start_missing();
    void serve();

    std::mutex mutex_;  // of all that follows, and of `Call::running`
    std::condition_variable wake_;
    std::vector<Call*> wanted_;  // one entry for each helper that a call waits for
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
};

}  // namespace ctc

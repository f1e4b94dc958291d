// Unlocked: work without the interpreter's lock.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

#include "ctc/parallel.hpp"

namespace ctc_python {

// Releases the interpreter's lock, and takes it again in its destructor, as pybind11::gil_scoped_release
// does. Work of share_among_threads that is done meanwhile throws ctc::Stopped after the handler of a signal
// has raised an exception in Python, such as KeyboardInterrupt; the exception is then set.
//
// A daemon thread may still be at work when the interpreter ends. Before Python 3.14 it then gets, in place
// of the lock, a pthread_exit(), which glibc implements as an exception; it would leave the destructor and so
// abort the process. Such a thread sleeps here until the process ends, as it does in Python 3.14.
class Unlocked {
  public:
    Unlocked() : state_(PyEval_SaveThread()), outer_(innermost_), outer_stop_(ctc::stop_requested) {
        innermost_ = this;
        ctc::stop_requested = [] { return innermost_->has_raising_signal(); };
    }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;
    ~Unlocked() {
        innermost_ = outer_;
        ctc::stop_requested = outer_stop_;
        take_lock();
    }

  private:
    void take_lock() const {
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
    }

    // Only the main thread of Python executes handlers of signals; in others this returns false.
    bool has_raising_signal() {
        take_lock();
        const bool raised = PyErr_CheckSignals() != 0;
        state_ = PyEval_SaveThread();
        return raised;
    }

    // Handlers of signals may decode too.
    inline static thread_local Unlocked* innermost_ = nullptr;
    PyThreadState* state_;
    Unlocked* outer_;
    ctc::StopRequested outer_stop_;
};

}  // namespace ctc_python

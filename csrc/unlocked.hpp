// Unlocked: work without the interpreter's lock.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace ctc_python {

// Releases the interpreter's lock, and takes it again in its destructor, as pybind11::gil_scoped_release
// does.
//
// A daemon thread may still be at work when the interpreter ends. Before Python 3.14 it then gets, in place
// of the lock, a pthread_exit(), which glibc implements as an exception; it would leave the destructor and so
// abort the process. Such a thread sleeps here until the process ends, as it does in Python 3.14.
class Unlocked {
  public:
    Unlocked() : state_(PyEval_SaveThread()) {}
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;
    ~Unlocked() {
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
    }

  private:
    PyThreadState* state_;
};

}  // namespace ctc_python

// The class of the Python module that decodes frames which arrive in pieces.
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "bindings_unlocked.hpp"
#include "ctc/guide.hpp"
#include "ctc/stream.hpp"

namespace ctc_python {

namespace {

using GuidePointer = std::shared_ptr<ctc::Guide>;

// A ctc::Stream that several Python threads may use: each call waits until the one before has returned.
class LockedStream {
  public:
    LockedStream(const ctc::Options& options, GuidePointer guide)
        : blank_(options.blank), guide_(std::move(guide)), stream_(options) {}

    void push(const py::array& log_probs_NTK, const Lengths& lengths_N) {
        require(log_probs_NTK.ndim() == 3 && log_probs_NTK.shape(0) == 1, "log_probs must be (1, T, K)");
        const ctc::LogProbs piece = batch_of(log_probs_NTK, lengths_N).front();
        const ctc::Result result = locked([&] {
            require_classes(piece.classes);
            ctc::Result pushed = stream_.push(piece);
            if (pushed.status == ctc::Status::ok) classes_ = piece.classes;
            return pushed;
        });
        require_ok(result.status, 0, result.frame);
    }

    py::object best(const py::type& hypothesis) {
        return hypothesis_of(hypothesis, locked([&] { return stream_.best(); }));
    }

    py::object stable_prefix() {
        return tuple_of(locked([&] { return stream_.stable_prefix(); }));
    }

    py::list finish(const py::type& hypothesis) {
        const std::vector<ctc::Hypothesis> found = locked([&] {
            std::vector<ctc::Hypothesis> hypotheses = stream_.finish();
            finished_ = true;
            return hypotheses;
        });
        py::list list;
        for (const ctc::Hypothesis& one : found) list.append(hypothesis_of(hypothesis, one));
        return list;
    }

  private:
    // Calls f() without the interpreter's lock.
    template <class F>
    std::invoke_result_t<F> locked(F f) {
        const Unlocked unlocked;
        const std::lock_guard<std::mutex> lock(mutex_);
        require(!finished_, "the stream is finished; create a new one for the next sequence");
        return f();
    }

    void require_classes(std::int32_t classes) const {
        require(classes > blank_, "blank must lie in [0, K)");
        if (guide_ != nullptr && classes != guide_->classes())
            throw py::value_error("log_probs has " + std::to_string(classes) + " classes; the guide is for " +
                                  std::to_string(guide_->classes()) + "; both count the blank");
        if (classes_ == 0 || classes == classes_) return;
        throw py::value_error("log_probs has " + std::to_string(classes) +
                              " classes; the earlier frames of the stream have " + std::to_string(classes_));
    }

    std::mutex mutex_;
    std::int32_t blank_;
    std::int32_t classes_ = 0;  // 0 before the first piece
    bool finished_ = false;
    GuidePointer guide_;  // may be null
    ctc::Stream stream_;
};

}  // namespace

void bind_stream(py::module_& module) {
    // Local: ctcbench and ctcbench-decoder, loaded in one process, both have the class.
    py::class_<LockedStream>(module, "Stream", py::module_local(),
                             "Beam search over pieces. Use BeamSearchStream of the package, which checks its "
                             "arguments.")
        .def(py::init([](std::int32_t beam_width, std::int32_t blank, std::int32_t n_best,
                         const std::string& path, bool frames, const GuidePointer& guide) {
                 require(beam_width >= 1, "beam_width must be at least 1");
                 require(n_best >= 1 && n_best <= beam_width, "n_best must lie in [1, beam_width]");
                 require(blank >= 0, "blank must be at least 0");
                 return std::make_unique<LockedStream>(
                     ctc::Options{beam_width, blank, n_best, 1, path_of(path), frames, guide.get()}, guide);
             }),
             py::kw_only(), py::arg("beam_width"), py::arg("blank"), py::arg("n_best"),
             py::arg("path") = "automatic", py::arg("frames") = true, py::arg("guide") = GuidePointer())
        .def("push", &LockedStream::push, py::arg("log_probs").noconvert(), py::arg("lengths").noconvert(),
             "Add the frames of a (1, T, K) array.")
        .def("best", &LockedStream::best, py::arg("hypothesis"),
             "Return the best labelling so far as a `hypothesis` tuple without frames.")
        .def("stable_prefix", &LockedStream::stable_prefix, "Return the labels that cannot change any more.")
        .def("finish", &LockedStream::finish, py::arg("hypothesis"),
             "Return a list of `hypothesis` tuples, best first.");
}

}  // namespace ctc_python

// The Python module: checks arguments and converts results.
#include "bindings.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <memory>
#include <string>

#include "bindings_unlocked.hpp"
#include "ctc/guide.hpp"

void bind_constraints(pybind11::module_& module);
void bind_guides(pybind11::module_& module);
void bind_lm(pybind11::module_& module);

namespace ctc_python {

namespace {

using GuidePointer = std::shared_ptr<ctc::Guide>;

constexpr py::ssize_t kMostFrames = std::numeric_limits<std::int32_t>::max();

ctc::Dtype dtype_of(const py::array& array) {
    if (array.dtype().equal(py::dtype::of<float>())) return ctc::Dtype::float32;
    if (array.dtype().equal(py::dtype::of<double>())) return ctc::Dtype::float64;
    throw py::type_error("log_probs must be native float32 or float64");
}

void require_all_ok(const std::vector<ctc::Result>& results) {
    for (std::size_t n = 0; n < results.size(); ++n) require_ok(results[n].status, n, results[n].frame);
}

PyObject* checked(PyObject* made) {
    if (made == nullptr) throw py::error_already_set();
    return made;
}

std::vector<ctc::Result> search(const py::array& log_probs_NTK, const Lengths& lengths_N,
                                std::int32_t beam_width, std::int32_t blank, std::int32_t n_best,
                                std::int32_t threads, const std::string& path, bool frames,
                                const GuidePointer& guide) {
    require(beam_width >= 1, "beam_width must be at least 1");
    require(n_best >= 1 && n_best <= beam_width, "n_best must lie in [1, beam_width]");
    require(threads >= 1, "threads must be at least 1");
    const std::vector<ctc::LogProbs> batch = batch_of(log_probs_NTK, lengths_N);
    require(blank >= 0 && blank < log_probs_NTK.shape(2), "blank must lie in [0, K)");
    require(guide == nullptr || guide->classes() == log_probs_NTK.shape(2),
            "guide must be for the classes of log_probs");
    const ctc::Options options{beam_width, blank, n_best, threads, path_of(path), frames, guide.get()};
    std::vector<ctc::Result> results;
    {
        const Unlocked unlocked;
        results = ctc::prefix_beam_search(batch, options);
    }
    require_all_ok(results);
    return results;
}

py::list beam_search(const py::array& log_probs_NTK, const Lengths& lengths_N, std::int32_t beam_width,
                     std::int32_t blank, std::int32_t n_best, std::int32_t threads, const std::string& path,
                     bool frames, const GuidePointer& guide, const py::type& hypothesis) {
    const auto results =
        search(log_probs_NTK, lengths_N, beam_width, blank, n_best, threads, path, frames, guide);
    py::list lists(results.size());
    for (std::size_t n = 0; n < results.size(); ++n) {
        const std::vector<ctc::Hypothesis>& hypotheses = results[n].hypotheses;
        py::list list(hypotheses.size());
        for (std::size_t i = 0; i < hypotheses.size(); ++i)
            PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i),
                            hypothesis_of(hypothesis, hypotheses[i]).release().ptr());
        PyList_SET_ITEM(lists.ptr(), static_cast<Py_ssize_t>(n), list.release().ptr());
    }
    return lists;
}

py::tuple beam_search_arrays(const py::array& log_probs_NTK, const Lengths& lengths_N,
                             std::int32_t beam_width, std::int32_t blank, std::int32_t n_best,
                             std::int32_t threads, const std::string& path, bool frames,
                             const GuidePointer& guide) {
    const auto results =
        search(log_probs_NTK, lengths_N, beam_width, blank, n_best, threads, path, frames, guide);
    std::size_t found = 0;
    std::size_t longest = 0;
    for (const ctc::Result& result : results) {
        found = std::max(found, result.hypotheses.size());
        for (const ctc::Hypothesis& hypothesis : result.hypotheses)
            longest = std::max(longest, hypothesis.labels.size());
    }
    py::array_t<std::int32_t> labels({results.size(), found, longest});
    py::array_t<std::int32_t> frames_out({results.size(), found, frames ? longest : 0});
    py::array_t<std::int32_t> lengths({results.size(), found});
    py::array_t<double> scores({results.size(), found});
    std::fill_n(labels.mutable_data(), labels.size(), -1);
    std::fill_n(frames_out.mutable_data(), frames_out.size(), -1);
    std::fill_n(lengths.mutable_data(), lengths.size(), 0);
    std::fill_n(scores.mutable_data(), scores.size(), -std::numeric_limits<double>::infinity());
    for (std::size_t n = 0; n < results.size(); ++n) {
        for (std::size_t i = 0; i < results[n].hypotheses.size(); ++i) {
            const ctc::Hypothesis& hypothesis = results[n].hypotheses[i];
            const std::size_t place = n * found + i;
            std::copy(hypothesis.labels.begin(), hypothesis.labels.end(),
                      labels.mutable_data() + place * longest);
            std::copy(hypothesis.frames.begin(), hypothesis.frames.end(),
                      frames_out.mutable_data() + place * longest);
            lengths.mutable_data()[place] = static_cast<std::int32_t>(hypothesis.labels.size());
            scores.mutable_data()[place] = hypothesis.log_prob;
        }
    }
    return py::make_tuple(labels, lengths, scores, frames_out);
}

}  // namespace

ctc::Path path_of(const std::string& name) {
    if (name == ctc::name_of(ctc::Path::automatic)) return ctc::Path::automatic;
    for (const ctc::Path path : ctc::paths())
        if (name == ctc::name_of(path)) return path;
    throw py::value_error("path must be one of paths()");
}

std::vector<ctc::LogProbs> batch_of(const py::array& log_probs_NTK, const Lengths& lengths_N) {
    require(log_probs_NTK.ndim() == 3, "log_probs must be (N, T, K)");
    require((log_probs_NTK.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0,
            "log_probs must be aligned");
    require(lengths_N.ndim() == 1 && lengths_N.shape(0) == log_probs_NTK.shape(0), "lengths must be (N,)");
    require(log_probs_NTK.shape(1) <= kMostFrames && log_probs_NTK.shape(2) <= ctc::kMostClasses,
            "log_probs must have fewer than 2**31 frames and 2**31 - 63 classes");
    const ctc::Dtype dtype = dtype_of(log_probs_NTK);
    const auto* data = static_cast<const unsigned char*>(log_probs_NTK.data());
    std::vector<ctc::LogProbs> batch;
    batch.reserve(static_cast<std::size_t>(log_probs_NTK.shape(0)));
    for (py::ssize_t n = 0; n < log_probs_NTK.shape(0); ++n) {
        const std::int64_t length = lengths_N.at(n);
        require(length >= 0 && length <= log_probs_NTK.shape(1), "lengths must lie in [0, T]");
        batch.push_back({data + n * log_probs_NTK.strides(0), dtype, log_probs_NTK.strides(1),
                         log_probs_NTK.strides(2), static_cast<std::int32_t>(length),
                         static_cast<std::int32_t>(log_probs_NTK.shape(2))});
    }
    return batch;
}

void require_ok(ctc::Status status, std::size_t sequence, std::int32_t frame) {
    if (status == ctc::Status::ok) return;
    const std::string where =
        "log_probs: sequence " + std::to_string(sequence) + ", frame " + std::to_string(frame);
    throw BadFrame(where + (status == ctc::Status::impossible_frame
                                ? " has probability zero for every class"
                                : " has a value that is not a log-probability"));
}

py::object tuple_of(const std::vector<std::int32_t>& values) {
    auto tuple =
        py::reinterpret_steal<py::object>(checked(PyTuple_New(static_cast<Py_ssize_t>(values.size()))));
    for (std::size_t i = 0; i < values.size(); ++i)
        PyTuple_SET_ITEM(tuple.ptr(), static_cast<Py_ssize_t>(i), checked(PyLong_FromLong(values[i])));
    return tuple;
}

// Does what tuple.__new__ does, but without building an argument tuple, which would be one more allocation
// for each hypothesis.
py::object hypothesis_of(const py::type& named_tuple, const ctc::Hypothesis& hypothesis) {
    auto* type = reinterpret_cast<PyTypeObject*>(named_tuple.ptr());
    if (PyType_IsSubtype(type, &PyTuple_Type) == 0) throw py::type_error("hypothesis must be a named tuple");
    py::object fields[] = {
        tuple_of(hypothesis.labels),
        py::reinterpret_steal<py::object>(checked(PyFloat_FromDouble(hypothesis.log_prob))),
        tuple_of(hypothesis.frames)};
    auto made = py::reinterpret_steal<py::object>(checked(type->tp_alloc(type, 3)));
    for (Py_ssize_t i = 0; i < 3; ++i) PyTuple_SET_ITEM(made.ptr(), i, fields[i].release().ptr());
    return made;
}

}  // namespace ctc_python

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    using namespace ctc_python;
    module.doc() =
        "CTC prefix beam search in C++. Use beam_search of the package, which checks its arguments.";
    module.attr("interface_stamp") = INTERFACE_STAMP;
    py::register_local_exception<BadFrame>(module, "BadFrame", PyExc_ValueError);
    py::register_local_exception_translator([](std::exception_ptr failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const ctc::Stopped&) {
            // The exception of the handler is set already: see bindings_unlocked.hpp.
        }
    });
    bind_guides(module);
    bind_lm(module);
    const auto define = [&](const char* name, auto function, const char* doc, auto... more) {
        module.def(name, function, py::arg("log_probs").noconvert(), py::arg("lengths").noconvert(),
                   py::kw_only(), py::arg("beam_width"), py::arg("blank"), py::arg("n_best"),
                   py::arg("threads"), py::arg("path") = "automatic", py::arg("frames") = true,
                   py::arg("guide") = GuidePointer(), more..., doc);
    };
    define("beam_search", &beam_search,
           "Return N lists of `hypothesis` tuples, best first, for (N, T, K) float32 or float64.",
           py::arg("hypothesis"));
    define("beam_search_arrays", &beam_search_arrays,
           "Return what beam_search returns as (labels, lengths, scores, frames) arrays.");
    define(
        "search_alone",
        [](const py::array& log_probs_NTK, const Lengths& lengths_N, std::int32_t beam_width,
           std::int32_t blank, std::int32_t n_best, std::int32_t threads, const std::string& path,
           bool frames, const GuidePointer& guide) {
            search(log_probs_NTK, lengths_N, beam_width, blank, n_best, threads, path, frames, guide);
        },
        "Run the search without converting its results to Python objects, for benchmarks.");
    module.def(
        "paths",
        [] {
            std::vector<std::string> names;
            for (const ctc::Path path : ctc::paths()) names.emplace_back(ctc::name_of(path));
            return names;
        },
        "Return the code paths that this machine can run, the default first.");
    bind_scores(module);
    bind_stream(module);
    bind_constraints(module);
    bind_best(module);
}

// The Python face of the library: checks and converts, and nothing else.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <limits>
#include <string>

#include "ctc/prefix_beam_search.hpp"

namespace py = pybind11;

namespace {

constexpr py::ssize_t kMaxSize = std::numeric_limits<std::int32_t>::max();

void require(bool condition, const char* message) {
    if (!condition) throw py::value_error(message);
}

ctc::Dtype dtype_of(const py::array& array) {
    if (array.dtype().equal(py::dtype::of<float>())) return ctc::Dtype::float32;
    if (array.dtype().equal(py::dtype::of<double>())) return ctc::Dtype::float64;
    throw py::type_error("log_probs must be native float32 or float64");
}

std::vector<ctc::LogProbs> batch_of(const py::array& log_probs_NTK,
                                    const py::array_t<std::int64_t, py::array::c_style>& lengths_N) {
    require(log_probs_NTK.ndim() == 3, "log_probs must be (N, T, K)");
    require((log_probs_NTK.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0,
            "log_probs must be aligned");
    require(lengths_N.ndim() == 1 && lengths_N.shape(0) == log_probs_NTK.shape(0), "lengths must be (N,)");
    require(log_probs_NTK.shape(1) <= kMaxSize && log_probs_NTK.shape(2) <= kMaxSize,
            "log_probs must have fewer than 2**31 frames and classes");
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

void require_ok(const std::vector<ctc::Result>& results) {
    for (std::size_t n = 0; n < results.size(); ++n) {
        if (results[n].status == ctc::Status::ok) continue;
        const std::string where =
            "log_probs: sequence " + std::to_string(n) + ", frame " + std::to_string(results[n].frame);
        throw py::value_error(where + (results[n].status == ctc::Status::impossible_frame
                                           ? " gives every class probability zero"
                                           : " holds a value that is no log-probability"));
    }
}

py::tuple tuple_of(const std::vector<std::int32_t>& values) {
    py::tuple tuple(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) tuple[i] = py::int_(values[i]);
    return tuple;
}

py::list prefix_beam_search(const py::array& log_probs_NTK,
                            const py::array_t<std::int64_t, py::array::c_style>& lengths_N,
                            std::int32_t beam_width, std::int32_t blank, std::int32_t n_best,
                            std::int32_t threads) {
    require(beam_width >= 1, "beam_width must be at least 1");
    require(n_best >= 1 && n_best <= beam_width, "n_best must lie in [1, beam_width]");
    require(threads >= 1, "threads must be at least 1");
    const std::vector<ctc::LogProbs> batch = batch_of(log_probs_NTK, lengths_N);
    require(blank >= 0 && blank < log_probs_NTK.shape(2), "blank must lie in [0, K)");
    std::vector<ctc::Result> results;
    {
        const py::gil_scoped_release unlocked;
        results = ctc::prefix_beam_search(batch, {beam_width, blank, n_best, threads});
    }
    require_ok(results);
    py::list lists(results.size());
    for (std::size_t n = 0; n < results.size(); ++n) {
        const std::vector<ctc::Hypothesis>& hypotheses = results[n].hypotheses;
        py::list list(hypotheses.size());
        for (std::size_t i = 0; i < hypotheses.size(); ++i)
            list[i] = py::make_tuple(tuple_of(hypotheses[i].labels), hypotheses[i].log_prob,
                                     tuple_of(hypotheses[i].frames));
        lists[n] = std::move(list);
    }
    return lists;
}

}  // namespace

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    module.doc() =
        "CTC prefix beam search in C++. Use ctcbench.decoding.beam_search, which checks its arguments.";
    module.def(
        "prefix_beam_search", &prefix_beam_search, py::arg("log_probs").noconvert(),
        py::arg("lengths").noconvert(), py::kw_only(), py::arg("beam_width"), py::arg("blank"),
        py::arg("n_best"), py::arg("threads"),
        "(N, T, K) float32 or float64 and (N,) int64 -> N lists of (labels, log_prob, frames), best first.");
}

// Checks and conversions of arguments that the files of the Python module share.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ctc/prefix_beam_search.hpp"

namespace ctc_python {

namespace py = pybind11;

using Lengths = py::array_t<std::int64_t, py::array::c_style>;

// Raised for a frame that cannot be decoded.
struct BadFrame : py::value_error {
    using py::value_error::value_error;
};

inline void require(bool condition, const char* message) {
    if (!condition) throw py::value_error(message);
}

// Returns a view of each sequence. The array must outlive the views.
std::vector<ctc::LogProbs> batch_of(const py::array& log_probs_NTK, const Lengths& lengths_N);

// Raises BadFrame for the status of a sequence that is not ok.
void require_ok(ctc::Status status, std::size_t sequence, std::int32_t frame);

// Raises for a code path that this machine cannot run.
ctc::Path path_of(const std::string& name);

// Returns an instance of `named_tuple`, which has three fields. Raises for another type.
py::object hypothesis_of(const py::type& named_tuple, const ctc::Hypothesis& hypothesis);

// Returns a tuple of ints.
py::object tuple_of(const std::vector<std::int32_t>& values);

// Adds the functions of bindings_<topic>.cpp to the module.
void bind_scores(py::module_& module);
void bind_stream(py::module_& module);
void bind_best(py::module_& module);

}  // namespace ctc_python

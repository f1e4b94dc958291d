// The Python bindings of the builders of automata, for the Python package's folder constraints/.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "bindings_unlocked.hpp"
#include "ctc/lexicon.hpp"
#include "ctc/state_distances.hpp"

namespace py = pybind11;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style>;

template <typename T>
std::vector<T> vector_of(const Array<T>& array) {
    return std::vector<T>(array.data(), array.data() + array.size());
}

template <typename T>
py::array_t<T> array_of(const std::vector<T>& values) {
    return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::tuple minimal_automaton(const Array<std::int32_t>& labels, const Array<std::int64_t>& offsets) {
    if (labels.ndim() != 1 || offsets.ndim() != 1 || offsets.size() < 2 || offsets.at(0) != 0 ||
        offsets.at(offsets.size() - 1) != labels.size() ||
        labels.size() >= std::numeric_limits<std::int32_t>::max())
        throw py::value_error("offsets must lead from 0 to the number of labels, for at least one word");
    for (py::ssize_t w = 0; w + 1 < offsets.size(); ++w)
        if (offsets.at(w) > offsets.at(w + 1)) throw py::value_error("offsets must not decrease");
    const std::vector<std::int32_t> all = vector_of(labels);
    const std::vector<std::int64_t> begins = vector_of(offsets);
    ctc::AcyclicAutomaton found;
    {
        const ctc_python::Unlocked unlocked;
        found = ctc::minimal_automaton(all, begins);
    }
    return py::make_tuple(found.start, array_of(found.accepting), array_of(found.offsets),
                          array_of(found.labels), array_of(found.targets));
}

py::array_t<std::int32_t> state_distances(const Array<std::int32_t>& starts,
                                          const Array<std::int64_t>& offsets,
                                          const Array<std::int32_t>& targets) {
    if (starts.ndim() != 1 || offsets.ndim() != 1 || targets.ndim() != 1 || offsets.size() < 1 ||
        offsets.at(0) != 0 || offsets.at(offsets.size() - 1) != targets.size())
        throw py::value_error("offsets must lead from 0 to the number of targets");
    const py::ssize_t num_states = offsets.size() - 1;
    for (py::ssize_t s = 0; s < num_states; ++s)
        if (offsets.at(s) > offsets.at(s + 1)) throw py::value_error("offsets must not decrease");
    for (const auto* array : {&starts, &targets})
        for (py::ssize_t i = 0; i < array->size(); ++i)
            if (array->at(i) < 0 || array->at(i) >= num_states) throw py::value_error("no such state");
    return array_of(ctc::state_distances(vector_of(starts), offsets.data(),
                                         static_cast<std::size_t>(num_states), targets.data()));
}

}  // namespace

void bind_constraints(py::module_& module);  // called in bindings.cpp

void bind_constraints(py::module_& module) {
    module.def("minimal_automaton", &minimal_automaton, py::arg("labels"), py::arg("offsets"),
               "Return (start, accepting, offsets, labels, targets) of the minimal automaton of words.");
    module.def("state_distances", &state_distances, py::arg("starts"), py::arg("offsets"), py::arg("targets"),
               "Return the least number of edges from one of the starts to each state, or -1.");
}

// The guides in Python: an opaque handle, and the functions that create one.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "bindings_unlocked.hpp"
#include "ctc/automaton.hpp"
#include "ctc/guide.hpp"
#include "ctc/product_guide.hpp"

namespace py = pybind11;

void bind_guides(py::module_& module);

namespace {

using Guide = ctc::Guide;
template <class T>
using Array = py::array_t<T, py::array::c_style>;

template <class T>
std::vector<T> vector_of(const Array<T>& array) {
    if (array.ndim() != 1) throw py::value_error("the arrays of an automaton must have one dimension");
    return {array.data(), array.data() + array.size()};
}

std::shared_ptr<Guide> automaton_guide(std::int32_t classes, std::int32_t start, const Array<bool>& accepting,
                                       const Array<std::int64_t>& offsets, const Array<std::int32_t>& labels,
                                       const Array<std::int32_t>& targets, const Array<double>& log_weights,
                                       const Array<double>& final_log_weights) {
    if (accepting.ndim() != 1) throw py::value_error("the arrays of an automaton must have one dimension");
    ctc::AutomatonArrays arrays{classes,
                                start,
                                {},
                                vector_of(offsets),
                                vector_of(labels),
                                vector_of(targets),
                                vector_of(log_weights),
                                vector_of(final_log_weights)};
    arrays.accepting.assign(accepting.data(), accepting.data() + accepting.size());
    const ctc_python::Unlocked unlocked;
    return std::make_shared<ctc::Automaton>(std::move(arrays));
}

std::shared_ptr<Guide> product_guide(const std::vector<std::shared_ptr<Guide>>& parts) {
    for (const auto& part : parts)
        if (part == nullptr) throw py::type_error("a part of a product is None");
    return std::make_shared<ctc::ProductGuide>(
        std::vector<std::shared_ptr<const Guide>>(parts.begin(), parts.end()));
}

Guide::State checked(const Guide& guide, Guide::State state) {
    if (state < 0 || state >= guide.states()) throw py::index_error("no such state");
    return state;
}

py::tuple row(const Guide& guide, Guide::State state) {
    py::array_t<Guide::State> next(guide.classes());
    py::array_t<double> log_weights(guide.classes());
    guide.row(checked(guide, state), next.mutable_data(), log_weights.mutable_data());
    return py::make_tuple(next, log_weights);
}

}  // namespace

void bind_guides(py::module_& module) {
    py::class_<Guide, std::shared_ptr<Guide>> guides(
        module, "Guide", "A constraint or language model in C++. States are numbers in [0, states).",
        // ctcbench and ctcbench-decoder, loaded in one process, both have the class.
        py::module_local(), py::is_final());
    // Guide.__new__(Guide) would be a guide without an object in C++. The functions below do not need it.
    reinterpret_cast<PyTypeObject*>(guides.ptr())->tp_new = nullptr;
    guides.def_property_readonly("classes", &Guide::classes)
        .def_property_readonly("states", &Guide::states)
        .def_property_readonly("start", &Guide::start)
        .def("row", &row, py::arg("state"),
             "Return for each class the state after it, or -1, and the logarithm of its weight.")
        .def(
            "final_log_weight",
            [](const Guide& guide, Guide::State state) {
                return guide.final_log_weight(checked(guide, state));
            },
            py::arg("state"), "Return the log weight of the end, -inf where a labelling may not end.")
        .def(
            "shortest",
            [](const Guide& guide, Guide::State state) { return guide.shortest(checked(guide, state)); },
            py::arg("state"), "Return a lower bound on the frames until a labelling may end.")
        .def(
            "shortest_after",
            [](const Guide& guide, std::int32_t label, Guide::State state) {
                return guide.shortest_after(label, checked(guide, state));
            },
            py::arg("label"), py::arg("state"), "Return that bound directly after a frame with `label`.");
    module.def("automaton_guide", &automaton_guide, py::kw_only(), py::arg("classes"), py::arg("start"),
               py::arg("accepting").noconvert(), py::arg("offsets").noconvert(),
               py::arg("labels").noconvert(), py::arg("targets").noconvert(),
               py::arg("log_weights").noconvert() = Array<double>(0),
               py::arg("final_log_weights").noconvert() = Array<double>(0),
               "Return an automaton's arrays as a guide. Raises ValueError if they are none.");
    module.def("product_guide", &product_guide, py::arg("parts"),
               "Return the guide that permits what all of `parts` permit, with the sums of their weights.");
}

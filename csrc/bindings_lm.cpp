// The language models in Python: an n-gram model, and the guides that apply one.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <tuple>
#include <vector>

#include "bindings_unlocked.hpp"
#include "ctc/character_guide.hpp"
#include "ctc/guide.hpp"
#include "ctc/ngram_model.hpp"
#include "ctc/word_guide.hpp"

namespace py = pybind11;

void bind_lm(py::module_& module);

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;
using Level = std::tuple<Array<std::int32_t>, Array<std::int32_t>, Array<double>, Array<double>>;

template <class T>
std::vector<T> vector_of(const Array<T>& array) {
    if (array.ndim() != 1) throw py::value_error("the arrays of a language model must have one dimension");
    return {array.data(), array.data() + array.size()};
}

ctc::NgramModel ngram_model(std::int32_t words, const std::vector<Level>& levels) {
    std::vector<ctc::NgramArrays> arrays;
    for (const auto& [contexts, last, log_probs, log_backoffs] : levels)
        arrays.push_back(
            {vector_of(contexts), vector_of(last), vector_of(log_probs), vector_of(log_backoffs)});
    const ctc_python::Unlocked unlocked;
    return {words, arrays};
}

}  // namespace

void bind_lm(py::module_& module) {
    py::class_<ctc::NgramModel>(module, "NgramModel", py::module_local(), "An n-gram model in C++.")
        .def(py::init(&ngram_model), py::arg("words"), py::arg("levels"))
        .def_property_readonly("contexts", &ctc::NgramModel::contexts);
    py::class_<ctc::SpecialWords>(module, "SpecialWords", py::module_local(),
                                  "The numbers of special words, -1 for none.")
        .def(py::init<std::int32_t, std::int32_t, std::int32_t>(), py::arg("start"), py::arg("end"),
             py::arg("unknown"));
    py::class_<ctc::FusionWeights>(module, "FusionWeights", py::module_local(),
                                   "How a model counts in the score.")
        .def(py::init<double, double, double>(), py::arg("weight"), py::arg("bonus"),
             py::arg("unknown_penalty"));
    module.def(
        "character_guide",
        [](const ctc::NgramModel& model, const std::vector<std::int32_t>& word_of_class,
           const std::vector<bool>& ignored, const ctc::SpecialWords& special,
           const ctc::FusionWeights& fusion) -> std::shared_ptr<ctc::Guide> {
            const ctc_python::Unlocked unlocked;
            return std::make_shared<ctc::CharacterGuide>(model, word_of_class, ignored, special, fusion);
        },
        py::arg("model"), py::kw_only(), py::arg("word_of_class"), py::arg("ignored"), py::arg("special"),
        py::arg("fusion"), "Return the guide of a model of characters.");
    module.def(
        "word_guide",
        [](const ctc::NgramModel& model, const std::vector<bool>& ignored, std::int32_t space,
           const Array<std::int64_t>& offsets, const Array<std::int32_t>& labels,
           const Array<std::int32_t>& words, bool unknown_words, const ctc::SpecialWords& special,
           const ctc::FusionWeights& fusion) -> std::shared_ptr<ctc::Guide> {
            const ctc::Spellings spellings{vector_of(offsets), vector_of(labels), vector_of(words)};
            const ctc_python::Unlocked unlocked;
            return std::make_shared<ctc::WordGuide>(model, ignored, space, spellings, unknown_words, special,
                                                    fusion);
        },
        py::arg("model"), py::kw_only(), py::arg("ignored"), py::arg("space"), py::arg("offsets"),
        py::arg("labels"), py::arg("words"), py::arg("unknown_words"), py::arg("special"), py::arg("fusion"),
        "Return the guide of a model of words, which are spelled with the classes.");
}

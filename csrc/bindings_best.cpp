// The function of the Python module that finds the most probable labelling.
#include <memory>
#include <utility>

#include "bindings.hpp"
#include "bindings_unlocked.hpp"
#include "ctc/automaton.hpp"
#include "ctc/best_labelling.hpp"

namespace ctc_python {

namespace {

using GuidePointer = std::shared_ptr<ctc::Guide>;

const char* name_of(ctc::Proof proof) {
    switch (proof) {
        case ctc::Proof::best_path:
            return "best path";
        case ctc::Proof::beam:
            return "beam";
        case ctc::Proof::prefixes:
            return "prefix search";
        case ctc::Proof::nothing:
            return "nothing accepted";
        case ctc::Proof::none:
            break;
    }
    return "none";
}

const ctc::Automaton* constraint_of(const GuidePointer& guide, py::ssize_t classes) {
    if (guide == nullptr) return nullptr;
    const auto* automaton = dynamic_cast<const ctc::Automaton*>(guide.get());
    require(automaton != nullptr && !automaton->weighted(), "guide must be an automaton without weights");
    require(automaton->classes() == classes, "guide must be for the classes of log_probs");
    return automaton;
}

std::vector<ctc::BestLabelling> search(const py::array& log_probs_NTK, const Lengths& lengths_N,
                                       std::int32_t beam_width, std::int32_t nodes, std::int32_t blank,
                                       std::int32_t threads, const std::string& path,
                                       const GuidePointer& guide) {
    require(beam_width >= 1, "beam_width must be at least 1");
    require(nodes >= 0, "nodes must be at least 0");
    require(threads >= 1, "threads must be at least 1");
    const std::vector<ctc::LogProbs> batch = batch_of(log_probs_NTK, lengths_N);
    require(blank >= 0 && blank < log_probs_NTK.shape(2), "blank must lie in [0, K)");
    const ctc::BestOptions options{blank,   beam_width,    nodes,
                                   threads, path_of(path), constraint_of(guide, log_probs_NTK.shape(2))};
    std::vector<ctc::BestLabelling> found;
    {
        const Unlocked unlocked;
        found = ctc::best_labellings(batch, options);
    }
    for (std::size_t n = 0; n < found.size(); ++n) require_ok(found[n].status, n, found[n].frame);
    return found;
}

py::list best_labellings(const py::array& log_probs_NTK, const Lengths& lengths_N, std::int32_t beam_width,
                         std::int32_t nodes, std::int32_t blank, std::int32_t threads,
                         const std::string& path, const GuidePointer& guide, const py::type& labelling) {
    auto* type = reinterpret_cast<PyTypeObject*>(labelling.ptr());
    if (PyType_IsSubtype(type, &PyTuple_Type) == 0) throw py::type_error("labelling must be a named tuple");
    const auto found = search(log_probs_NTK, lengths_N, beam_width, nodes, blank, threads, path, guide);
    const py::str proofs[] = {name_of(ctc::Proof::none), name_of(ctc::Proof::best_path),
                              name_of(ctc::Proof::beam), name_of(ctc::Proof::prefixes),
                              name_of(ctc::Proof::nothing)};
    py::list list(found.size());
    for (std::size_t n = 0; n < found.size(); ++n) {
        const ctc::BestLabelling& best = found[n];
        // As tuple.__new__ does, but without an argument tuple for each labelling.
        py::object fields[] = {tuple_of(best.labels), py::float_(best.log_prob),
                               py::bool_(best.proof != ctc::Proof::none), py::float_(best.gap),
                               proofs[static_cast<std::size_t>(best.proof)]};
        auto made = py::reinterpret_steal<py::object>(type->tp_alloc(type, 5));
        if (!made) throw py::error_already_set();
        for (Py_ssize_t i = 0; i < 5; ++i) PyTuple_SET_ITEM(made.ptr(), i, fields[i].release().ptr());
        PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(n), made.release().ptr());
    }
    return list;
}

py::list best_hypotheses(const py::array& log_probs_NTK, const Lengths& lengths_N, std::int32_t beam_width,
                         std::int32_t nodes, std::int32_t blank, std::int32_t threads,
                         const std::string& path, const GuidePointer& guide, const py::type& hypothesis) {
    auto found = search(log_probs_NTK, lengths_N, beam_width, nodes, blank, threads, path, guide);
    py::list list(found.size());
    for (std::size_t n = 0; n < found.size(); ++n) {
        const ctc::Hypothesis best{std::move(found[n].labels), found[n].log_prob, {}};
        PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(n),
                        hypothesis_of(hypothesis, best).release().ptr());
    }
    return list;
}

}  // namespace

void bind_best(py::module_& module) {
    const auto define = [&](const char* name, auto function, const char* type, const char* doc) {
        module.def(name, function, py::arg("log_probs").noconvert(), py::arg("lengths").noconvert(),
                   py::kw_only(), py::arg("beam_width"), py::arg("nodes"), py::arg("blank"),
                   py::arg("threads"), py::arg("path"), py::arg("guide") = GuidePointer(), py::arg(type),
                   doc);
    };
    define("best_labellings", &best_labellings, "labelling",
           "Return N `labelling` tuples for (N, T, K) float32 or float64.");
    define("best_hypotheses", &best_hypotheses, "hypothesis",
           "Return what best_labellings returns as N `hypothesis` tuples, without the proofs.");
}

}  // namespace ctc_python

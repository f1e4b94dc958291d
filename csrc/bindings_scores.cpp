// The functions of the Python module that score, align and compare given labellings.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "bindings_unlocked.hpp"
#include "ctc/bayes_risk.hpp"
#include "ctc/edit_distance.hpp"
#include "ctc/forced_alignment.hpp"
#include "ctc/guide.hpp"
#include "ctc/labelling_scores.hpp"
#include "ctc/labelling_weights.hpp"

namespace ctc_python {

namespace {

using Labels = py::array_t<std::int32_t, py::array::c_style>;
using Offsets = py::array_t<std::int64_t, py::array::c_style>;
using Scores = py::array_t<double, py::array::c_style>;

// Raises unless `offsets` divide `count` elements into consecutive parts.
void require_offsets(const Offsets& offsets, std::int64_t count) {
    require(offsets.ndim() == 1 && offsets.shape(0) >= 1 && offsets.at(0) == 0 &&
                offsets.at(offsets.shape(0) - 1) == count,
            "offsets must begin with 0 and end with the number of elements");
    for (py::ssize_t i = 1; i < offsets.shape(0); ++i)
        require(offsets.at(i - 1) <= offsets.at(i), "offsets must not decrease");
}

// Returns views of the labellings that are stored one after the other in `labels`.
std::vector<ctc::LabellingView> labellings_of(const Labels& labels, const Offsets& offsets) {
    require(labels.ndim() == 1, "labels must have one dimension");
    require_offsets(offsets, labels.shape(0));
    std::vector<ctc::LabellingView> views;
    for (py::ssize_t i = 1; i < offsets.shape(0); ++i) {
        const std::int64_t count = offsets.at(i) - offsets.at(i - 1);
        require(count < std::numeric_limits<std::int32_t>::max(), "a labelling must have below 2**31 labels");
        views.push_back({labels.data() + offsets.at(i - 1), static_cast<std::int32_t>(count)});
    }
    return views;
}

// The same, after a check of the labels.
std::vector<ctc::LabellingView> labellings_of(const Labels& labels, const Offsets& offsets,
                                              py::ssize_t classes, std::int32_t blank) {
    require(blank >= 0 && blank < classes, "blank must lie in [0, K)");
    const auto views = labellings_of(labels, offsets);
    for (py::ssize_t i = 0; i < labels.shape(0); ++i)
        require(labels.at(i) >= 0 && labels.at(i) < classes && labels.at(i) != blank,
                "labels must be classes and not the blank");
    return views;
}

py::tuple score_labellings(const py::array& log_probs_NTK, const Lengths& lengths_N, const Labels& labels,
                           const Offsets& label_offsets, const Offsets& sequence_offsets, std::int32_t blank,
                           std::int32_t threads) {
    require(threads >= 1, "threads must be at least 1");
    const std::vector<ctc::LogProbs> batch = batch_of(log_probs_NTK, lengths_N);
    const auto views = labellings_of(labels, label_offsets, log_probs_NTK.shape(2), blank);
    require_offsets(sequence_offsets, static_cast<std::int64_t>(views.size()));
    require(sequence_offsets.shape(0) == lengths_N.shape(0) + 1, "sequence_offsets must be (N + 1,)");
    std::vector<std::vector<ctc::LabellingView>> labellings;
    for (py::ssize_t n = 0; n < lengths_N.shape(0); ++n)
        labellings.emplace_back(views.begin() + sequence_offsets.at(n),
                                views.begin() + sequence_offsets.at(n + 1));
    std::vector<ctc::LabellingScores> scores;
    {
        const Unlocked unlocked;
        scores = ctc::score_labellings(batch, labellings, blank, threads);
    }
    py::array_t<double> log_probs(static_cast<py::ssize_t>(views.size()));
    py::array_t<double> log_masses(static_cast<py::ssize_t>(batch.size()));
    double* log_prob = log_probs.mutable_data();
    for (std::size_t n = 0; n < scores.size(); ++n) {
        require_ok(scores[n].status, n, scores[n].frame);
        log_masses.mutable_data()[n] = scores[n].log_mass;
        log_prob = std::copy(scores[n].log_probs.begin(), scores[n].log_probs.end(), log_prob);
    }
    return py::make_tuple(log_probs, log_masses);
}

py::tuple align(const py::array& log_probs_NTK, const Lengths& lengths_N, const Labels& labels,
                const Offsets& label_offsets, std::int32_t blank, std::int32_t threads) {
    require(threads >= 1, "threads must be at least 1");
    const std::vector<ctc::LogProbs> batch = batch_of(log_probs_NTK, lengths_N);
    const auto views = labellings_of(labels, label_offsets, log_probs_NTK.shape(2), blank);
    require(views.size() == batch.size(), "label_offsets must be (N + 1,)");
    std::vector<ctc::ForcedAlignment> alignments;
    {
        const Unlocked unlocked;
        alignments = ctc::align(batch, views, blank, threads);
    }
    py::array_t<double> log_probs(static_cast<py::ssize_t>(batch.size()));
    py::array_t<std::int32_t> runs({labels.shape(0), py::ssize_t{3}});
    py::array_t<double> confidences(labels.shape(0));
    std::fill_n(runs.mutable_data(), runs.size(), -1);
    std::fill_n(confidences.mutable_data(), confidences.size(), 0.0);
    for (std::size_t n = 0; n < alignments.size(); ++n) {
        const ctc::ForcedAlignment& alignment = alignments[n];
        require_ok(alignment.status, n, alignment.frame);
        log_probs.mutable_data()[n] = alignment.log_prob;
        auto place = label_offsets.at(static_cast<py::ssize_t>(n));
        for (std::size_t i = 0; i < alignment.runs.size(); ++i, ++place) {
            const ctc::LabelRun& run = alignment.runs[i];
            runs.mutable_at(place, 0) = run.start;
            runs.mutable_at(place, 1) = run.end;
            runs.mutable_at(place, 2) = run.peak;
            confidences.mutable_at(place) = alignment.confidence[i];
        }
    }
    return py::make_tuple(log_probs, runs, confidences);
}

py::array_t<std::int32_t> edit_distances(const Labels& labels_a, const Offsets& offsets_a,
                                         const Labels& labels_b, const Offsets& offsets_b) {
    const auto a = labellings_of(labels_a, offsets_a);
    const auto b = labellings_of(labels_b, offsets_b);
    py::array_t<std::int32_t> distances({a.size(), b.size()});
    std::int32_t* out = distances.mutable_data();
    const Unlocked unlocked;
    ctc::EditDistance distance;
    for (const ctc::LabellingView& one : a)
        for (const ctc::LabellingView& other : b) *out++ = distance(one, other);
    return distances;
}

ctc::RiskMetric metric_of(const std::string& name) {
    if (name == "edit") return ctc::RiskMetric::edit;
    if (name == "exact") return ctc::RiskMetric::exact;
    require(name == "char", "metric must be edit, exact or char");
    return ctc::RiskMetric::positions;
}

py::tuple least_risks(const Labels& labels, const Offsets& label_offsets, const Scores& log_probs,
                      const Offsets& sequence_offsets, const std::string& metric, std::int32_t threads) {
    require(threads >= 1, "threads must be at least 1");
    const auto views = labellings_of(labels, label_offsets);
    require_offsets(sequence_offsets, static_cast<std::int64_t>(views.size()));
    require(log_probs.ndim() == 1 && log_probs.size() == static_cast<py::ssize_t>(views.size()),
            "log_probs must have one element for each labelling");
    std::vector<ctc::RiskCandidates> batch;
    for (py::ssize_t n = 1; n < sequence_offsets.shape(0); ++n) {
        const auto begin = sequence_offsets.at(n - 1), end = sequence_offsets.at(n);
        const double* scores = log_probs.data();
        double peak = -std::numeric_limits<double>::infinity();
        for (auto i = begin; i < end; ++i) {
            require(scores[i] < std::numeric_limits<double>::infinity(), "a log_prob is NaN or +inf");
            peak = std::max(peak, scores[i]);
        }
        require(peak > -std::numeric_limits<double>::infinity(), "each sequence needs a log_prob above -inf");
        batch.push_back({{views.begin() + begin, views.begin() + end}, scores + begin});
    }
    std::vector<ctc::RiskChoice> choices;
    {
        const ctc::RiskMetric risk_metric = metric_of(metric);
        const Unlocked unlocked;
        choices = ctc::least_risks(batch, risk_metric, threads);
    }
    py::array_t<std::int64_t> indices(static_cast<py::ssize_t>(choices.size()));
    py::array_t<double> risks(static_cast<py::ssize_t>(choices.size()));
    for (std::size_t n = 0; n < choices.size(); ++n) {
        indices.mutable_data()[n] = static_cast<std::int64_t>(choices[n].index);
        risks.mutable_data()[n] = choices[n].risk;
    }
    return py::make_tuple(indices, risks);
}

py::array_t<double> log_weights(const ctc::Guide& guide, const Labels& labels, const Offsets& label_offsets,
                                std::int32_t blank) {
    const auto views = labellings_of(labels, label_offsets, guide.classes(), blank);
    std::vector<double> found;
    {
        const Unlocked unlocked;
        found = ctc::log_weights_of(guide, views);
    }
    return py::array_t<double>(static_cast<py::ssize_t>(found.size()), found.data());
}

}  // namespace

void bind_scores(py::module_& module) {
    module.def("score_labellings", &score_labellings, py::arg("log_probs").noconvert(),
               py::arg("lengths").noconvert(), py::kw_only(), py::arg("labels").noconvert(),
               py::arg("label_offsets").noconvert(), py::arg("sequence_offsets").noconvert(),
               py::arg("blank"), py::arg("threads"),
               "Return (log_probs, log_masses) of labellings that are stored one after the other.");
    module.def("align", &align, py::arg("log_probs").noconvert(), py::arg("lengths").noconvert(),
               py::kw_only(), py::arg("labels").noconvert(), py::arg("label_offsets").noconvert(),
               py::arg("blank"), py::arg("threads"),
               "Return (log_probs, runs, confidences) of one labelling for each sequence.");
    module.def("edit_distances", &edit_distances, py::arg("labels_a").noconvert(),
               py::arg("offsets_a").noconvert(), py::arg("labels_b").noconvert(),
               py::arg("offsets_b").noconvert(),
               "Return the (A, B) edit distances of each labelling of the one list and each of the other.");
    module.def(
        "least_risks", &least_risks, py::kw_only(), py::arg("labels").noconvert(),
        py::arg("label_offsets").noconvert(), py::arg("log_probs").noconvert(),
        py::arg("sequence_offsets").noconvert(), py::arg("metric"), py::arg("threads"),
        "Return for each sequence the index of its labelling with the least expected error, and that.");
    module.def("log_weights", &log_weights, py::arg("guide"), py::kw_only(), py::arg("labels").noconvert(),
               py::arg("label_offsets").noconvert(), py::arg("blank"),
               "Return the log weight of each labelling by a guide, -inf where it is not permitted.");
}

}  // namespace ctc_python

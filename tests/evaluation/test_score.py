"""Score: its JSON form, results that are older than a metric, and damaged documents."""

import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation import metrics
from ctcbench.evaluation.metrics import METRICS, Metric, mean
from ctcbench.evaluation.score import Score
from ctcbench.evaluation.scoring import score
from tests.evaluation.text_pairs import pairs

GOOD = score(["ab", "cd"], ["ab", "ce"], "test").to_json()
REQUIRED = ("split", "images", "exact", "empty_outputs", "mean_length", "collapsed")


@given(pairs, st.one_of(st.none(), st.floats(0, 1)))
def test_a_score_is_restored_from_its_json(ps, blank):
    s = score([p for p, _ in ps], [t for _, t in ps], "test", resamples=20, blank_probability=blank)
    document = json.loads(json.dumps(s.to_json(), allow_nan=False))
    assert Score.from_json(document) == s
    assert Score.from_json({**document, "a_later_key": 1}) == s


def test_the_json_form_is_the_fixed_one():
    names = [metric.name for metric in METRICS]
    assert names == ["exact", "exact_caseless", "exact_folded", "char_accuracy", "cer", "edit_distance"]
    intervals = {f"{name}_ci" for name in names}
    assert GOOD.keys() == {*names, *intervals, *REQUIRED, "blank_probability"}


def test_metrics_are_attributes():
    s = Score.from_json(GOOD)
    assert (s.cer, s.cer_ci) == (GOOD["cer"], tuple(GOOD["cer_ci"]))
    with pytest.raises(AttributeError, match="no attribute 'wer'"):
        _ = s.wer
    assert pickle.loads(pickle.dumps(s)) == s


@pytest.mark.parametrize("metric", [metric.name for metric in METRICS if metric.name != "exact"])
def test_a_result_older_than_a_metric_is_read(metric):
    s = Score.from_json({k: v for k, v in GOOD.items() if k not in (metric, f"{metric}_ci")})
    assert metric not in s.metrics and metric not in s.to_json() and s.exact == GOOD["exact"]
    assert getattr(s, metric) is None and getattr(s, f"{metric}_ci") is None


def test_a_new_metric_is_one_entry(monkeypatch):
    def length_error(prediction, target):
        return abs(len(prediction) - len(target))

    entry = Metric("length_error", "length", "difference of the lengths", length_error, mean)
    monkeypatch.setattr(metrics, "METRICS", (*METRICS, entry))
    s = score(["ab", "c"], ["ab", "cde"], "test")
    assert s.length_error == 1.0 and s.length_error_ci == (0.0, 2.0)
    assert s.to_json()["length_error"] == 1.0 and Score.from_json(s.to_json()) == s
    assert Score.from_json(GOOD).length_error is None


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_key_is_named(key):
    with pytest.raises(CtcbenchError, match=rf"score\.{key}: missing"):
        Score.from_json({k: v for k, v in GOOD.items() if k != key})


@pytest.mark.parametrize("key", list(GOOD))
@pytest.mark.parametrize("wrong", [[], {"a": 1}, [1.0, "2"], [1, 2, 3], float("nan"), [0, float("inf")]])
def test_a_wrong_type_is_named(key, wrong):
    with pytest.raises(CtcbenchError, match=rf"score\.{key}: expected"):
        Score.from_json({**GOOD, key: wrong})


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("images", True), ("images", 2.5), ("exact", True), ("exact", "0.5"), ("collapsed", 0), ("split", 1),
     ("exact", None), ("exact", 10**400), ("exact_ci", None)],
)  # fmt: skip
def test_near_misses_of_type_are_named(key, wrong):
    with pytest.raises(CtcbenchError, match=rf"score\.{key}: expected"):
        Score.from_json({**GOOD, key: wrong})


def test_a_score_that_is_no_object_is_an_error():
    with pytest.raises(CtcbenchError, match="expected an object"):
        Score.from_json([1, 2])


def test_scores_need_neither_torch_nor_numpy(ctcbench_env):
    code = (
        "import sys, ctcbench.evaluation.score, ctcbench.results.run_folder, ctcbench.results.provenance\n"
        "ctcbench.results.provenance.versions()\n"
        "assert 'numpy' not in sys.modules, 'numpy'\n"
        "import ctcbench.evaluation.scoring, ctcbench.evaluation.log_probs, ctcbench.evaluation.collapse\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=ctcbench_env)

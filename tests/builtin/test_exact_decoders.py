"""The decoders `best_cpp` and `mbr` as components."""

import pytest

from ctcbench import UsageError
from ctcbench.benchmarks.workloads import find_workload
from ctcbench.contract.data import LogProbs
from ctcbench.decoding import beam_search, best_labelling, minimum_bayes_risk, rescore
from ctcbench.registry.discovery import load_registry


@pytest.fixture(scope="module")
def read():
    drawn = find_workload("captcha-noisy").draw()
    return LogProbs(drawn.values_NTK[:12], drawn.lengths_N[:12], drawn.texts[:12], drawn.alphabet)


def decode(read, text):
    return load_registry().build("decoder", text, read.alphabet)(read)


def test_best_cpp_returns_the_most_probable_labellings(read):
    expected = [(best.labels, best.log_prob, ()) for best in best_labelling(read.values_NTK)]
    assert decode(read, "best_cpp") == decode(read, "best_cpp:threads=2,nodes=5000") == expected


def test_best_cpp_subtracts_the_blank_penalty(read):
    expected = [best.labels for best in best_labelling(read.values_NTK, blank_penalty=2.0)]
    assert [one.labels for one in decode(read, "best_cpp:blank_penalty=2")] == expected


def test_mbr_returns_the_labelling_of_least_risk_with_its_exact_score(read):
    found = rescore(read.values_NTK, beam_search(read.values_NTK, beam_width=10, n_best=10))
    for metric in ("edit", "exact", "char"):
        expected = [minimum_bayes_risk(one, metric=metric).hypothesis for one in found]
        got = decode(read, f"mbr:width=10,metric={metric}")
        assert [(one.labels, one.log_prob) for one in got] == [(e.labels, e.log_prob) for e in expected]
    assert decode(read, "mbr") == decode(read, "mbr:metric=edit,threads=2")


def test_an_unknown_metric_is_a_usage_error(read):
    with pytest.raises(UsageError, match="edit"):
        decode(read, "mbr:metric=cer")

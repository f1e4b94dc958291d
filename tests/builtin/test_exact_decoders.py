"""The decoder `best_cpp` as a component."""

import pytest

from ctcbench.benchmarks.workloads import find_workload
from ctcbench.contract.data import LogProbs
from ctcbench.decoding import best_labelling
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

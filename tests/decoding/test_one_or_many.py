"""The types of results, as mypy sees them."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ctcbench.decoding import align, beam_search

PROGRAM = """
from typing import Any, assert_type
import numpy as np
from numpy.typing import NDArray
from ctcbench.decoding import (
    Alignment, BestLabelling, Hypothesis, ScoredHypothesis, align, beam_search, best_labelling, greedy_search,
    minimum_bayes_risk, rescore, score_labellings,
)

def decode(
    one: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    many: np.ndarray[tuple[int, int, int], np.dtype[np.float64]],
    unknown: NDArray[np.float32],
) -> None:
    assert_type(beam_search(one), list[Hypothesis])
    assert_type(beam_search(many, [1], n_best=2), list[list[Hypothesis]])
    assert_type(beam_search(log_probs=unknown), Any)
    assert_type(greedy_search([[0.0, -1.0]]), Hypothesis)
    assert_type(greedy_search([[[0.0, -1.0]]]), list[Hypothesis])
    assert_type(align(one, [1]), Alignment)
    assert_type(rescore(many, beam_search(many)), list[list[ScoredHypothesis]])
    assert_type(minimum_bayes_risk(rescore(one, [])).hypothesis, ScoredHypothesis)
    assert_type(score_labellings(one, [[1]]), NDArray[np.float64])
    assert_type(best_labelling(one, nodes=0), BestLabelling)
    assert_type(best_labelling(many, [1]), list[BestLabelling])
    assert_type(best_labelling(many, proofs=False), Any)
    assert_type(best_labelling(unknown), Any)
    either: list[Hypothesis] = beam_search(unknown)
    batch: list[list[Hypothesis]] = beam_search(unknown)
    beam_search(one, width=3)  # no such argument
"""


@pytest.mark.landing
def test_type_checkers_know_results_by_the_number_of_dimensions(tmp_path):
    pytest.importorskip("mypy", reason="needs mypy")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            tmp_path / "cache",
            tmp_path / "program.py",
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    errors = re.findall(r"program.py:(\d+): error: (.*)", done.stdout)
    last = str(PROGRAM.count("\n"))
    assert [error for line, error in errors if line != last] == []
    assert 'Unexpected keyword argument "width"' in errors[0][1]


def test_functions_keep_their_signatures():
    assert inspect.signature(beam_search).parameters["beam_width"].default == 25
    assert (align.__name__, align.__module__) == ("align", "ctcbench.decoding.forced_alignment")

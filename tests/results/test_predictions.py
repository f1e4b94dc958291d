"""Predictions: round trips, damaged files."""

from __future__ import annotations

import dataclasses

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.results.predictions import Predictions
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_results import find_results

SOME = Predictions("test", "f00", ("1C1k", "", "ä"), ("1C19k", "a", "ä"))


def test_predictions_survive_a_round_trip(tmp_path):
    path = tmp_path / "greedy.json"
    assert Predictions.parse(SOME.to_bytes(), path) == SOME
    assert SOME.exact == pytest.approx(1 / 3)
    sure = dataclasses.replace(SOME, confidences=(0.5, None, 1.0))
    assert Predictions.parse(sure.to_bytes(), path) == sure
    assert Predictions.parse(SOME.to_bytes(), path).to_bytes() == SOME.to_bytes()


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "{}", '{"format": "ctcbench predictions 1"}',
        '{"format":"ctcbench predictions 1","split":"test","fingerprint":"f","texts":["a"],"targets":[]}',
        '{"format":"ctcbench predictions 1","split":"test","fingerprint":"f","texts":[1],"targets":["a"]}',
        '{"format":"ctcbench predictions 1","split":"test","fingerprint":null,"texts":["a"],"targets":["a"]}',
        '{"format":"ctcbench predictions 1","split":"test","fingerprint":"f","texts":["a"],"targets":["a"],'
        '"confidences":[]}',
        '{"format":"ctcbench predictions 1","split":"test","fingerprint":"f","texts":["a"],"targets":["a"],'
        '"confidences":[1.5]}',
        '{"format":"ctcbench predictions 2","split":"test","fingerprint":"f","texts":["a"],"targets":["a"]}',
    ],
)  # fmt: skip
def test_damaged_predictions_are_named(tmp_path, content):
    with pytest.raises(CtcbenchError, match=r"greedy\.json"):
        Predictions.parse(content.encode(), tmp_path / "greedy.json")
    with pytest.raises(CtcbenchError, match=r"missing\.json: can't be read"):
        RunFolder(tmp_path).read_predictions("missing")


def test_predictions_are_not_results_and_are_cleared_with_them(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write(folder.predictions_path("greedy"), SOME.to_bytes())
    assert find_results(folder) == ([], [])
    folder.clear()
    assert not (tmp_path / "predictions").exists()

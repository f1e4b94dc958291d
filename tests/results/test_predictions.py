"""Predictions: round trips, damaged files."""

from __future__ import annotations

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.results.predictions import Predictions
from ctcbench.results.run_folder import RunFolder

SOME = Predictions("test", "f00", ("1C1k", "", "ä"), ("1C19k", "a", "ä"))


def test_predictions_survive_a_round_trip(tmp_path):
    SOME.write(path := tmp_path / "predictions" / "greedy.json")
    assert Predictions.read(path) == SOME
    assert SOME.exact == pytest.approx(1 / 3)
    before = path.read_bytes()
    SOME.write(path)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["greedy.json"]


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "{}", '{"format": "ctcbench predictions 1"}',
        '{"format":"ctcbench predictions 1","split":"test","fingerprint":"f","texts":["a"],"targets":[]}',
        '{"format":"ctcbench predictions 1","split":"test","fingerprint":"f","texts":[1],"targets":["a"]}',
        '{"format":"ctcbench predictions 1","split":"test","fingerprint":null,"texts":["a"],"targets":["a"]}',
        '{"format":"ctcbench predictions 2","split":"test","fingerprint":"f","texts":["a"],"targets":["a"]}',
    ],
)  # fmt: skip
def test_damaged_predictions_are_named(tmp_path, content):
    (path := tmp_path / "greedy.json").write_text(content)
    with pytest.raises(CtcbenchError, match=r"greedy\.json"):
        Predictions.read(path)
    with pytest.raises(CtcbenchError, match="missing"):
        Predictions.read(tmp_path / "missing.json")


def test_predictions_are_not_results_and_are_cleared_with_them(tmp_path):
    folder = RunFolder(tmp_path)
    SOME.write(folder.predictions_path("greedy"))
    assert folder.results() == ([], [])
    folder.clear()
    assert not (tmp_path / "predictions").exists()

"""nearest(): the word that a mistyped one was meant to be."""

from __future__ import annotations

import pytest

from ctcbench.contract.errors import nearest


@pytest.mark.parametrize(
    ("given", "allowed", "meant"),
    [
        ("rnu", ["run", "report"], "run"),
        ("BiLSTM2", ["lstm2", "bilstm2"], "bilstm2"),
        ("--BATCHSIZE", ["--batch-size", "--head"], "--batch-size"),
        ("--bakbone", ["--head", "--backbone"], "--backbone"),
    ],
)
def test_a_mistyped_word_is_recognised(given: str, allowed: list[str], meant: str) -> None:
    assert nearest(given, allowed) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("given", "allowed"),
    [("--out", ["--json"]), ("--jobs", ["--loss"]), ("nope", ["mine"]), ("-x", ["--json"]), ("x", [])],
)
def test_an_unlike_word_is_not_suggested(given: str, allowed: list[str]) -> None:
    assert nearest(given, allowed) == ""

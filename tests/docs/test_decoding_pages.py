"""The Python code of the pages about decoding runs, each page as one program."""

import numpy as np
import pytest

from ctcbench.decoding import best_labelling, train_kneser_ney, write_arpa
from ctcbench.decoding.softmax import log_softmax
from tests.docs.pages import DOCS, blocks

# What the pages take for granted: log-probabilities, and the true labels of three sequences.
TRUE_LABELS = [(1, 2), (3,), (4, 5, 6)]


@pytest.mark.parametrize("page", ["decoding", "constraints", "exact", "language-models"])
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_arpa(train_kneser_ney([["anna", "sat"], ["otto", "ran"]], 2).model, tmp_path / "words.arpa")
    classes = 28 if page == "language-models" else 17
    log_probs_NTK = log_softmax(np.random.default_rng(0).normal(0, 3, (3, 12, classes)))
    names = {
        "log_probs_NTK": log_probs_NTK,
        "log_probs_TK": log_probs_NTK[0],
        "lengths_N": [12, 9, 12],
        "pieces": np.array_split(log_probs_NTK[0], 4),
        "true_labels": TRUE_LABELS,
    }
    codes = [code for code in blocks(DOCS / f"{page}.md", "python") if "ctcbench.load" not in code]
    assert codes
    for code in codes:
        exec(compile(code, f"{page}.md", "exec"), names)
    if page == "decoding":
        assert names["best"].labels == names["hypotheses"][0].labels  # of a batch, and of its pieces
    if page == "constraints":
        assert "".join(names["characters"][label] for label in names["hypotheses"][0].labels) == "DA5167"
    if page == "exact":
        assert names["best"] == best_labelling(log_probs_NTK[0]) and len(names["scores"]) == 3

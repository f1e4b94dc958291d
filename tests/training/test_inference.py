"""validate(): the scores of log-probabilities, also of texts with characters that the alphabet lacks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ctcbench.config.recipe import Recipe
from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import Alphabet
from ctcbench.training.inference import evaluation_batch_size, validate
from ctcbench.training.objective import build_objective
from tests.tiny_config import tiny

ALPHABET = Alphabet("abc")


def read(*texts):
    """Return log-probabilities of 6 frames in which each text has the probability of its best path."""
    generator = np.random.default_rng(0)
    logits_NTK = generator.normal(size=(9, 6, 4)).astype(np.float32)[: len(texts)]
    values_NTK = logits_NTK - np.log(np.exp(logits_NTK).sum(-1, keepdims=True))
    return LogProbs(values_NTK, np.full(len(texts), 6), texts, ALPHABET)


@pytest.mark.parametrize("alignment", ["ctc", "fixed"])
def test_texts_without_a_loss_count_as_errors_in_the_other_scores(registry, alignment):
    config = tiny(loss="ctc" if alignment == "ctc" else "slots", head="slots", shortcut="none")
    objective = build_objective(Recipe(registry, config), ALPHABET, 6)
    known, foreign = validate([read("ab", "c", "é", "aé")], alignment, objective), read("ab", "c")
    plain = validate([foreign], alignment, objective)
    assert known.loss == pytest.approx(plain.loss)
    assert known.exact * 4 == plain.exact * 2
    assert known.edits[:2] == plain.edits and min(known.edits[2:]) >= 1
    assert math.isnan(validate([read("é")], alignment, objective).loss)


def test_batches_without_such_texts_have_the_same_bits():
    batch = read("ab", "c", "abc")
    first, second = validate([batch]), validate([batch, read("é", "ü")])
    assert first.loss == second.loss


@pytest.mark.parametrize(
    ("settings", "processes", "expected"),
    [
        ({"batch_size": 16}, 1, 64),
        ({"batch_size": 512}, 1, 256),
        ({"batch_size": 256, "accumulate": 16}, 1, 64),
        ({"batch_size": 10, "accumulate": 4}, 1, 12),
        ({"batch_size": 2, "accumulate": 2}, 1, 4),
        ({"batch_size": 256}, 8, 128),
        ({"batch_size": 33, "accumulate": 3}, 2, 24),
    ],
)
def test_inference_has_four_times_the_images_of_a_pass_of_training(settings, processes, expected):
    """More would not fit in the memory that --accumulate, or more processes, save."""
    assert evaluation_batch_size(tiny(**settings), processes) == expected

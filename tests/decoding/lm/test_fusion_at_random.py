"""Fused searches against a sort of all labellings, on random models, weights and log-probabilities."""

import numpy as np
import pytest

from ctcbench.decoding import Hotwords, LanguageModel, beam_search, train_kneser_ney
from ctcbench.decoding.reference import all_labellings
from tests.decoding.lm.plain_fusion import plain_log_weight, words_of

CHARACTERS = [None, "a", "b", " "]


def check_case(seed):
    generator = np.random.default_rng(seed)
    unit = ("character", "word")[generator.integers(2)]
    order = int(generator.integers(1, 5))
    texts = ["".join(generator.choice(["a", "b", " "], generator.integers(0, 9))) for _ in range(12)]
    # A model without a word has nothing in common with the classes.
    corpus = [words_of(text, unit) for text in ["ab ba", *texts]]
    model = train_kneser_ney(corpus, order).model
    settings = {
        "weight": float(generator.choice([0.0, 0.3, 1.0, 3.0])),
        "length_bonus": float(generator.normal(0, 2)),
        "unknown_penalty": float(generator.choice([0.0, 5.0])),
    }
    guides = [LanguageModel(model, CHARACTERS, unit=unit, **settings)]
    boost = float(generator.normal(0, 3))
    if boost > 0:
        guides.append(Hotwords(["ab"], CHARACTERS, boost=boost))
    values_TK = np.log(generator.dirichlet(np.full(4, 0.6), 5))

    def score(labels, log_prob):
        text = "".join(CHARACTERS[label] for label in labels)
        bonus = boost * text.split(" ").count("ab") if boost > 0 else 0.0
        return log_prob + bonus + plain_log_weight(model, text, unit=unit, **settings)

    scores = {labels: score(labels, log_prob) for labels, log_prob in all_labellings(values_TK).items()}
    expected = sorted(scores.values(), reverse=True)[:10]
    found = beam_search(values_TK, guide=guides, beam_width=2_000, n_best=10)
    for hypothesis, wanted in zip(found, expected, strict=True):
        # Two texts can have the same score, in either order.
        assert hypothesis.log_prob == pytest.approx(wanted, abs=1e-8), seed
        assert scores[hypothesis.labels] == pytest.approx(wanted, abs=1e-8), seed


@pytest.mark.parametrize("seed", range(15))
def test_the_best_labellings_are_found(seed):
    check_case(seed)


@pytest.mark.slow
def test_the_best_labellings_are_found_in_thousands_of_cases():
    for seed in range(100, 5_100):
        check_case(seed)

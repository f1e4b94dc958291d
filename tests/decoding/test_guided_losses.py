"""Guided searches near the limits of doubles: what they could lose is decoded by the exact search."""

import math

import numpy as np
import pytest

from ctcbench.decoding import LanguageModel, score_labellings
from ctcbench.decoding.constraints import lexicon_automaton
from ctcbench.decoding.lm.arpa_reader import parse_arpa
from ctcbench.decoding.reference_guided import PlainAutomaton, guided_beam_search_reference
from tests.decoding.guided_cases import random_automaton, tree_automaton, with_weights
from tests.decoding.test_guided_code_paths import compare

INF = math.inf

# Weights and log-probabilities that lane_exp() returns as 0 (below -600), that do so in products, and that do
# not, in rows whose other ones are as small.
LOG_WEIGHTS = ((0, -105, -200, -650), (0, -300, -590, -1000), (0, 90, -400, -610), (99, -100, -500, -5000))
LOG_PROBS = (
    (0, -1, -200, -400, -INF),
    (0, -300, -590, -650, -900),
    (-350, -600, -5, -1, -INF),
    (0, -50, -100, -340, -1000),
    (0, -120, -170, -610, -INF),
)


def log_probs_far_apart(rng, num_frames, num_classes):
    values_TK = rng.choice(LOG_PROBS[rng.integers(len(LOG_PROBS))], size=(num_frames, num_classes))
    values_TK[np.isinf(values_TK).all(axis=1), 0] = -1.5
    return values_TK - rng.random(values_TK.shape)  # no ties


def compare_seeds(seeds):
    for seed in seeds:
        rng = np.random.default_rng([seed, 7])
        classes = int(rng.integers(2, 6))
        automaton = random_automaton(rng, classes, 0)
        weights = LOG_WEIGHTS[rng.integers(len(LOG_WEIGHTS))]
        compiled = with_weights(
            automaton,
            rng.choice(weights, size=automaton.num_edges) - rng.random(automaton.num_edges),
            rng.choice(weights, size=automaton.num_states) - rng.random(automaton.num_states),
        )
        kind = rng.integers(4)
        guide = [[automaton], [compiled], [compiled], [compiled, random_automaton(rng, classes, 0)]][kind]
        width = int(rng.integers(1, 8))
        values_TK = log_probs_far_apart(rng, int(rng.integers(2, 9)), classes)
        compare(values_TK, guide, f"{seed=}", beam_width=width, n_best=width)


def test_random_weights_and_probabilities_far_apart():
    compare_seeds(range(1500))


@pytest.mark.slow
def test_random_weights_and_probabilities_far_apart_in_many_cases():
    compare_seeds(range(10_000, 60_000))


def model_of(weight, unigrams, bigrams):
    """Return an ARPA model of which log-probabilities and log backoff weights times `weight` are these."""
    scale = 1 / (weight * math.log(10))
    lines = [f"\\data\\\nngram 1={len(unigrams)}\nngram 2={len(bigrams)}\n\n\\1-grams:\n"]
    lines += [f"{p * scale!r}\t{word}\t{backoff * scale!r}\n" for word, (p, backoff) in unigrams.items()]
    lines += ["\n\\2-grams:\n", *(f"{p * scale!r}\t{words}\n" for words, p in bigrams.items()), "\n\\end\\\n"]
    return parse_arpa("".join(lines).encode(), "a test")


def test_an_extension_whose_weight_is_lost_can_beat_the_floor():
    # Of the row of "a" all weights are far below 1, and that of "c", which is kept, is below e^-600.
    characters, weight, half = [None, *"abc"], 100.0, math.log(0.5)
    unigrams = {"<s>": (-20_000, 0), "</s>": (-230, 0), "a": (-105, 0), "b": (-105, 0), "c": (-200, 0)}
    model = model_of(weight, unigrams, {"a a": -105, "a b": -105, "a c": -650})
    language = LanguageModel(model, characters, weight=weight)
    values_TK = np.array(
        [[half, half, -INF, -INF], [-590, 0, -INF, -INF], [-200, half, -INF, half]]
        + [[0, -INF, -INF, -INF]] * 3
    )
    [best] = compare(
        values_TK, [language, lexicon_automaton(characters, ["", "ac", "aba"])], beam_width=2, n_best=2
    )
    assert best.labels == (1, 3)
    found = compare(values_TK, language, beam_width=2, n_best=2)
    assert [hypothesis.labels for hypothesis in found] == [(1,), (1, 3)]
    for hypothesis in (best, *found):
        score = score_labellings(values_TK, [hypothesis.labels], guide=language)
        assert hypothesis.log_prob == pytest.approx(score[0])


@pytest.mark.parametrize("backoff", [-590.0, -650.0])
def test_a_lost_backoff_weight_times_a_high_weight_can_beat_the_floor(backoff):
    characters, weight = [None, *"abc"], 100.0
    unigrams = {"<s>": (-2_000, 0), "</s>": (0, 0), "a": (-10, backoff), "b": (-5, 0), "c": (-80, 0)}
    model = model_of(weight, unigrams, {"a c": -20})
    language = LanguageModel(model, characters, weight=weight, length_bonus=90.0)
    for step in (-150.0, -170.0, -190.0):
        values_TK = np.array([[0, step, -INF, -INF], [0, -INF, -INF, step], [0, -INF, step, -INF]] * 2)
        for width in range(1, 7):
            compare(values_TK, language, f"{step=} {width=}", beam_width=width, n_best=width)


@pytest.mark.parametrize("step", [-160.0, -170.0])
@pytest.mark.parametrize("last", [-605.0, -650.0, -690.0])
def test_the_best_symbol_is_lost_where_unchanged_labellings_fill_the_beam(step, last):
    words = {(), (2,), (2, 3), (2, 3, 2), (2, 3, 2, 3), (1,)}
    frames = [[0, -INF, step, -INF], [0, -INF, -INF, step]] * 2 + [[0, last, -INF, -INF]]
    found = compare(np.array(frames), tree_automaton(words, 4), beam_width=5, n_best=5)
    assert ((1,) in [hypothesis.labels for hypothesis in found]) == (last > 4 * step)


def test_the_bound_of_what_is_lost_does_not_underflow_itself():
    # The alignments of (1) without a blank after the second frame are lost, and the last frame needs them.
    values_TK = np.array([[0, -300], [-600, -350], [0, -350], [0, -350], [0, -601], [-INF, 0]])
    [found] = compare(values_TK, tree_automaton({(), (1,)}, 2), beam_width=1, n_best=1)
    assert found.labels == (1,)
    assert found.log_prob == pytest.approx(-1651)


def test_the_exact_search_is_that_of_the_reference():
    for seed in range(40):
        rng = np.random.default_rng([seed, 8])
        automaton = random_automaton(rng, 4, 0)
        values_TK = log_probs_far_apart(rng, 5, 4)
        found = compare(values_TK, automaton, f"{seed=}", beam_width=3, n_best=3)
        expected = guided_beam_search_reference(values_TK, PlainAutomaton(automaton), beam_width=3, n_best=3)
        assert [hypothesis.labels for hypothesis in found] == [hypothesis.labels for hypothesis in expected]

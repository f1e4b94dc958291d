"""Guided decoding in pieces: the results of decoding at once, bit for bit, without knowing the length."""

import math

import numpy as np
import pytest

from ctcbench.decoding import (
    Automaton,
    BeamSearchStream,
    Hotwords,
    Hypothesis,
    LanguageModel,
    _core,
    beam_search,
    train_kneser_ney,
)
from ctcbench.decoding.guides import compiled_guide
from tests.decoding.decoding_cases import log_probs_of
from tests.decoding.guided_cases import random_guided_case, tree_automaton
from tests.decoding.test_beam_stream import in_pieces, stream_of
from tests.decoding.test_code_paths import far_apart

NOTHING = Hypothesis((), -math.inf, ())


def texts_of_length(least, most, num_classes):
    """Return an automaton of the labellings with `least` to `most` labels."""
    labels = list(range(1, num_classes))
    return Automaton(
        classes=num_classes,
        start=0,
        accepting=[least <= state <= most for state in range(most + 1)],
        offsets=[min(state, most) * len(labels) for state in range(most + 2)],
        labels=labels * most,
        targets=np.repeat(np.arange(1, most + 1), len(labels)),
    )


def check_random_cases(seeds):
    """Compare random cases with decoding at once; return how many were searched before the end."""
    early = 0
    for seed in seeds:
        case = random_guided_case(seed)
        rng = np.random.default_rng([seed, 2])
        options = {"beam_width": case.beam_width, "blank": case.blank, "n_best": case.beam_width}
        expected = beam_search(case.log_probs_TK, guide=case.guide, **options)
        stream = BeamSearchStream(guide=case.guide, **options)
        prefixes = []
        for piece_TK in in_pieces(case.log_probs_TK, rng):
            stream.push(piece_TK)
            prefixes.append(stream.stable_prefix())
            if rng.random() < 0.3:
                stream.best()  # must not change what finish() returns
        assert stream.finish() == expected, f"{seed=} {case}"
        for prefix in prefixes:
            assert all(one.labels[: len(prefix)] == prefix for one in expected), f"{seed=} {case}"
        early += any(prefixes)
    return early


def test_random_cases_in_random_pieces():
    assert check_random_cases(range(250)) > 5


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_fifty_thousand_random_cases_in_random_pieces(part):
    check_random_cases(range(700_000 + part * 5_000, 700_000 + (part + 1) * 5_000))


@pytest.mark.parametrize("path", _core.paths())
@pytest.mark.parametrize(("least", "most"), [(0, 3), (5, 5), (30, 40), (41, 45)])
def test_lengths_on_each_code_path(path, least, most):
    # Of 41 labels hardly any, of 45 none fit into 60 frames with the blanks between the equal ones.
    values_TK = log_probs_of("noisy", np.random.default_rng(1), 60, 9)
    guide = compiled_guide(texts_of_length(least, most, 9), classes=9, blank=0)
    options = {"beam_width": 6, "blank": 0, "n_best": 6, "path": path, "guide": guide}
    (expected,) = _core.beam_search(
        values_TK[None], np.array([60]), threads=1, hypothesis=Hypothesis, **options
    )
    stream = _core.Stream(**options)
    for first in range(0, 60, 7):
        piece_TK = values_TK[None, first : first + 7]
        stream.push(piece_TK, np.array([piece_TK.shape[1]]))
    assert stream.finish(Hypothesis) == expected


def test_streams_of_every_length_drop_what_cannot_end():
    # The best beginning of the frames is no beginning of a long word, and the beam has one place.
    guide = tree_automaton({(1,), (2, 3, 2, 3, 2), (3, 3, 3)}, 4)
    values_TK = log_probs_of("noisy", np.random.default_rng(4), 12, 4)
    found = set()
    for num_frames in range(13):
        for width in (1, 2):
            expected = beam_search(values_TK[:num_frames], guide=guide, beam_width=width, n_best=width)
            stream = stream_of(values_TK[:num_frames, None], guide=guide, beam_width=width, n_best=width)
            assert stream.finish() == expected
            found.add(expected[0].labels if expected else None)
    assert len(found) >= 3


def test_language_models_and_hotwords():
    characters = [None, "a", "b", " "]
    model = train_kneser_ney([list("abba"), list("ab a"), list("b ab")], 3).model
    fused = LanguageModel(model, characters, weight=1.5, length_bonus=0.3)
    guides = [fused, Hotwords(["ab"], characters, boost=3.0), texts_of_length(4, 9, 4)]
    values_TK = log_probs_of("noisy", np.random.default_rng(5), 50, 4)
    for guide in (fused, guides):
        stream = BeamSearchStream(guide=guide, n_best=5)
        for t in range(50):
            stream.push(values_TK[t : t + 1])
        assert stream.finish() == beam_search(values_TK, guide=guide, n_best=5)


def test_best_is_that_of_a_search_in_which_every_beginning_may_end():
    guide = texts_of_length(4, 6, 7)
    beginnings = texts_of_length(0, 6, 7)
    values_TK = log_probs_of("noisy", np.random.default_rng(6), 25, 7)
    stream = BeamSearchStream(guide=guide, beam_width=5)
    assert stream.best() == Hypothesis((), 0.0, ())
    for t in range(25):
        stream.push(values_TK[t : t + 1])
        assert (
            stream.best() == beam_search(values_TK[: t + 1], guide=beginnings, beam_width=5, frames=False)[0]
        )
    assert stream.finish() == beam_search(values_TK, guide=guide, beam_width=5)


@pytest.mark.parametrize("drop", [26.0, 800.0])
@pytest.mark.parametrize("size", [1, 11])
def test_the_exact_search_takes_over_within_a_stream(drop, size):
    values_TK = far_apart(drop)
    guide = texts_of_length(2, 3, 3)
    stream = BeamSearchStream(beam_width=3, n_best=3, guide=guide)
    for first in range(0, 40, size):
        stream.push(values_TK[first : first + size])
        stream.stable_prefix()
    assert stream.finish() == beam_search(values_TK, beam_width=3, n_best=3, guide=guide)


def test_nothing_permitted():
    nothing = {"labels": np.zeros(0, np.int32), "targets": np.zeros(0, np.int32)}
    never = _core.automaton_guide(
        classes=3, start=0, accepting=np.array([False]), offsets=np.zeros(2, np.int64), **nothing
    )
    stream = stream_of([np.log(np.full((4, 3), 1 / 3))], guide=never)
    assert (stream.best(), stream.stable_prefix(), stream.finish()) == (NOTHING, (), [])
    masked_TK = np.full((4, 3), -np.inf)
    masked_TK[:, 2] = 0.0
    stream = stream_of([masked_TK], guide=tree_automaton({(1,)}, 3))
    assert (stream.best(), stream.finish()) == (NOTHING, [])


def test_wrong_guides():
    stream = BeamSearchStream(guide=texts_of_length(1, 2, 5))
    with pytest.raises(ValueError, match="log_probs has 4 classes; the guide is for 5; both count the blank"):
        stream.push([[-1.0] * 4])
    stream.push([[-1.0] * 5])
    with pytest.raises(TypeError, match="guide is or has 'abc', of type str"):
        BeamSearchStream(guide="abc")
    with pytest.raises(ValueError, match="labellings with class 1, which is the blank"):
        BeamSearchStream(guide=texts_of_length(1, 2, 5), blank=1)
    with pytest.raises(ValueError, match="same number of classes"):
        BeamSearchStream(guide=[texts_of_length(1, 2, 5), texts_of_length(1, 2, 6)])

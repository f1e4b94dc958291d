"""The guided C++ search against the plain Python one, and that one against all labellings."""

import math

import numpy as np
import pytest

from ctcbench.decoding import Automaton, beam_search, beam_search_arrays
from ctcbench.decoding.reference import all_labellings
from ctcbench.decoding.reference_guided import PlainAutomaton, guided_beam_search_reference
from tests.decoding.decoding_cases import assert_same, log_probs_of
from tests.decoding.guided_cases import plain_score, random_guide, random_guided_case, tree_automaton


def compare_seeds(seeds):
    found_some = 0
    for seed in seeds:
        case = random_guided_case(seed)
        options = {"beam_width": case.beam_width, "n_best": case.beam_width, "blank": case.blank}
        found = beam_search(case.log_probs_TK, guide=case.guide, **options)
        assert_same(
            found, guided_beam_search_reference(case.log_probs_TK, case.plain, **options), f"{seed=} {case}"
        )
        found_some += bool(found)
    assert found_some > len(seeds) / 3


def test_random_cases():
    compare_seeds(range(100))


def test_a_labelling_that_returns_to_a_beam_that_shrinks_finds_its_extensions():
    # In the last rows, which move in the same frame.
    compare_seeds([30632])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_fifty_thousand_random_cases(part):
    compare_seeds(range(10_000 + part * 5000, 10_000 + (part + 1) * 5000))


@pytest.mark.parametrize("kind", ["peaky", "noisy", "repeats", "minus infinity"])
def test_a_wide_beam_finds_every_permitted_labelling(kind):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        log_probs_TK = log_probs_of(kind, rng, int(rng.integers(1, 6)), 3)
        guide, plain = random_guide(rng, 3, 1)
        scores = {
            labels: plain_score(labels, log_prob, plain)
            for labels, log_prob in all_labellings(log_probs_TK, 1).items()
        }
        expected = {labels: value for labels, value in scores.items() if value > -math.inf}
        for found in (
            beam_search(log_probs_TK, beam_width=500, n_best=500, blank=1, guide=guide),
            guided_beam_search_reference(log_probs_TK, plain, beam_width=500, n_best=500, blank=1),
        ):
            assert {h.labels: pytest.approx(h.log_prob, abs=1e-9) for h in found} == expected
            assert [h.log_prob for h in found] == sorted((h.log_prob for h in found), reverse=True)


def word_automaton(*words, classes=4):
    return tree_automaton(words, classes)


@pytest.mark.parametrize("width", [1, 2, 25])
def test_a_repeated_label_needs_a_frame_for_a_blank(width):
    # In five frames (1, 1, 1) fits exactly, (1, 1, 1, 2) does not; its beginning must not take the beam.
    values_TK = np.log(np.full((5, 4), 0.25))
    guide = word_automaton((1, 1, 1), (1, 1, 1, 1))
    [found] = beam_search(values_TK, beam_width=width, guide=guide)
    assert found.labels == (1, 1, 1)
    assert found.log_prob == pytest.approx(5 * math.log(0.25))
    assert beam_search(values_TK[:4], beam_width=width, guide=guide) == []
    assert guide.as_guide().shortest(guide.start) == 5


def test_the_permitted_labelling_survives_a_beam_of_better_but_forbidden_ones():
    rng = np.random.default_rng(0)
    values_TK = log_probs_of("peaky", rng, 12, 6)
    values_TK[:, 5] -= 40
    guide = word_automaton((5, 4, 5), classes=6)
    [found] = beam_search(values_TK, beam_width=1, guide=guide)
    assert found.labels == (5, 4, 5)


def test_sequences_without_a_permitted_labelling_have_no_hypothesis():
    values_NTK = np.log(np.full((3, 4, 4), 0.25))
    guide = word_automaton((1, 2, 3))
    found = beam_search(values_NTK, [2, 3, 0], n_best=2, guide=guide)
    assert [[h.labels for h in hypotheses] for hypotheses in found] == [[], [(1, 2, 3)], []]
    arrays = beam_search_arrays(values_NTK, [2, 3, 0], n_best=2, guide=guide)
    assert arrays.log_probs[0].tolist() == [-math.inf]
    assert arrays.lengths.tolist() == [[0], [3], [0]]
    assert arrays.labels[1, 0].tolist() == [1, 2, 3]


def test_a_frame_that_cannot_be_decoded_is_an_error_even_if_nothing_is_permitted():
    values_TK = np.log(np.full((2, 4), 0.25))
    values_TK[1, 2] = np.nan
    with pytest.raises(ValueError, match="frame 1, class 2 is nan"):
        beam_search(values_TK, guide=word_automaton((1, 2, 3)))


def test_an_empty_sequence_of_guides_is_the_free_search():
    values_TK = log_probs_of("noisy", np.random.default_rng(1), 8, 4)
    assert beam_search(values_TK, n_best=9, guide=[]) == beam_search(values_TK, n_best=9)


def test_a_guide_that_permits_everything_changes_no_labelling():
    everything = Automaton(4, 0, [True], [0, 3], [1, 2, 3], [0, 0, 0])
    values_NTK = np.stack([log_probs_of("noisy", np.random.default_rng(i), 9, 4) for i in range(20)])
    for free, guided in zip(
        beam_search(values_NTK, n_best=25), beam_search(values_NTK, n_best=25, guide=everything), strict=True
    ):
        assert_same(guided, free)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_result_does_not_depend_on_threads_or_on_the_batch(threads):
    rng = np.random.default_rng(7)
    guide, _ = random_guide(rng, 6, 0)
    values_NTK = np.stack([log_probs_of("noisy", rng, 12, 6) for _ in range(30)])
    together = beam_search(values_NTK, n_best=5, threads=threads, guide=guide)
    assert together == [beam_search(values_TK, n_best=5, threads=1, guide=guide) for values_TK in values_NTK]


def test_frames_needed_by_the_plain_automaton():
    plain = PlainAutomaton(word_automaton((1, 1), (2, 3, 3)))
    assert plain.frames_needed(plain.start(), None) == 3
    after_2 = plain.advance(plain.start(), 2)[0]
    assert plain.frames_needed(after_2, None) == 3
    assert plain.frames_needed(after_2, 3) == 4

"""The most probable labelling that a constraint accepts, against the enumeration of all alignments."""

import math
from collections import Counter

import numpy as np
import pytest

from ctcbench.decoding import (
    BestLabelling,
    Hypothesis,
    InputError,
    _core,
    beam_search,
    best_labelling,
    score_labellings,
)
from ctcbench.decoding.constraints import length_automaton, pattern_automaton
from ctcbench.decoding.reference import all_labellings
from ctcbench.decoding.reference_guided import PlainAutomaton, PlainProduct
from ctcbench.decoding.softmax import log_softmax
from tests.decoding.decoding_cases import log_probs_of, random_case
from tests.decoding.guided_cases import random_automaton, tree_automaton, weighted

# With few prefixes and a narrow beam each proof fails somewhere, and the gap is tested.
SETTINGS = ({}, {"beam_width": 1, "nodes": 3}, {"beam_width": 2, "nodes": 0}, {"beam_width": 1, "nodes": 20})
MOST_ALIGNMENTS = 5_000


def accepts(plain, labels):
    state = plain.start()
    for label in labels:
        step = plain.advance(state, label)
        if step is None:
            return False
        state = step[0]
    return plain.final_log_weight(state) > -math.inf


def random_constraint(rng, num_classes, blank):
    """Return what `best_labelling` takes as a constraint, and the plain form of it."""
    first = random_automaton(rng, num_classes, blank)
    if rng.random() < 0.7:
        return first, PlainAutomaton(first)
    others = [first, random_automaton(rng, num_classes, blank)]
    return others, PlainProduct([PlainAutomaton(one) for one in others])


def check_against_all_labellings(seeds):
    """Assert for random cases that what is called optimal is, and that gaps hold; count the proofs."""
    proofs = Counter()
    for seed in seeds:
        case = random_case(seed)
        rng = np.random.default_rng([seed, 2])
        num_frames, num_classes = case.log_probs_TK.shape
        guide, plain = random_constraint(rng, num_classes, case.blank)
        if num_classes**num_frames > MOST_ALIGNMENTS:
            continue
        exact = {
            labels: log_prob
            for labels, log_prob in all_labellings(case.log_probs_TK, case.blank).items()
            if accepts(plain, labels)
        }
        for settings in SETTINGS:
            try:
                best = best_labelling(case.log_probs_TK, blank=case.blank, threads=1, guide=guide, **settings)
            except InputError as error:
                assert "allow no text" in str(error)
                assert isinstance(guide, list)
                assert not exact
                proofs["no common labelling"] += 1
                continue
            context = (seed, case.kind, settings, best)
            proofs[best.proof] += 1
            assert best.optimal == (best.gap == 0.0) == (best.proof != "none"), context
            if not exact:
                assert best == ((), -math.inf, True, 0.0, "nothing accepted"), context
                continue
            highest = max(exact.values())
            rounding = 1e-11 * max(1.0, abs(highest))
            assert abs(best.log_prob - exact[best.labels]) <= rounding, context
            assert highest - best.log_prob <= best.gap + rounding, context
    return proofs


def test_what_is_called_optimal_is_the_best_of_the_accepted_labellings():
    proofs = check_against_all_labellings(range(400))
    assert set(proofs) == {
        "best path",
        "beam",
        "prefix search",
        "none",
        "nothing accepted",
        "no common labelling",
    }


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_what_is_called_optimal_is_the_best_of_the_accepted_labellings_in_many_cases(part):
    check_against_all_labellings(range(400 + part * 10_000, 400 + (part + 1) * 10_000))


def random_words(rng, num_classes, count, longest):
    words = set()
    while len(words) < count:
        words.add(tuple(rng.integers(1, num_classes, size=rng.integers(0, longest + 1)).tolist()))
    return sorted(words)


# With so few nodes the edges of all words are too many to compute their continuations.
@pytest.mark.parametrize("nodes", [0, 2, 20, 300, 10_000])
def test_of_a_lexicon_the_best_word_is_found(nodes):
    proven = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        num_classes = int(rng.choice([4, 12, 40]))
        words = random_words(rng, num_classes, int(rng.choice([1, 20, 150])) * num_classes // 4, 8)
        log_probs_TK = log_softmax(rng.normal(size=(14, num_classes)) * rng.choice([0.5, 1.5, 3.0]))
        guide = tree_automaton(words, num_classes)
        best = best_labelling(log_probs_TK, nodes=nodes, beam_width=3, threads=1, guide=guide)
        highest = max(score_labellings(log_probs_TK, words, threads=1))
        assert best.labels in words
        assert best.log_prob == pytest.approx(score_labellings(log_probs_TK, [best.labels])[0], rel=1e-11)
        assert highest <= best.log_prob + best.gap + 1e-10
        proven += best.optimal
    assert proven == 12 if nodes == 10_000 else proven < 12 or nodes == 300


def test_a_constraint_that_accepts_everything_changes_nothing_but_the_time():
    for seed in range(300):
        case = random_case(seed)
        classes = case.log_probs_TK.shape[1]
        characters = [None if k == case.blank else str(k) for k in range(classes)]
        if classes == 1:
            continue
        everything = length_automaton(characters, 0, None)
        free = best_labelling(case.log_probs_TK, blank=case.blank, threads=1)
        within = best_labelling(case.log_probs_TK, blank=case.blank, threads=1, guide=everything)
        assert (within.labels, within.optimal) == (free.labels, free.optimal), seed
        assert within.log_prob == pytest.approx(free.log_prob, rel=1e-12)


def word_automaton(*words, classes=4):
    return tree_automaton(words, classes)


@pytest.mark.parametrize("nodes", [0, 1, 10_000])
def test_a_length_that_no_frames_have_room_for_accepts_nothing(nodes):
    values_NTK = np.log(np.full((3, 5, 4), 0.25))
    guide = word_automaton((1, 1, 1), (1, 1, 1, 2))
    found = best_labelling(values_NTK, [4, 5, 0], nodes=nodes, guide=guide)
    nothing = BestLabelling((), -math.inf, True, 0.0, "nothing accepted")
    assert [found[0], found[2]] == [nothing, nothing]
    assert found[1].labels == (1, 1, 1)
    assert found[1].optimal == (nodes > 1)
    without = best_labelling(values_NTK, [4, 5, 0], nodes=nodes, guide=guide, proofs=False)
    assert without[0] == Hypothesis((), -math.inf, ())


def test_where_classes_are_impossible_what_a_beam_loses_is_found():
    # After the first frame the beam of width 1 holds 1, which nothing can follow.
    log_probs_TK = np.log([[0.1, 0.6, 0.3, 1e-300], [0.5, 1e-300, 1e-300, 0.5]])
    log_probs_TK[log_probs_TK < -600] = -np.inf
    for words, expected in [([(1, 2), (2, 3)], (2, 3)), ([(1, 2), (2, 1)], ())]:
        guide = word_automaton(*words)
        assert beam_search(log_probs_TK, beam_width=1, guide=guide) == []
        for nodes in (0, 1, 100):
            best = best_labelling(log_probs_TK, beam_width=1, nodes=nodes, guide=guide)
            assert best.labels == expected
            assert best.optimal or nodes < 100
            assert best.log_prob == pytest.approx(np.log(0.15) if expected else -math.inf)


def test_a_search_for_something_possible_that_is_too_long_says_so():
    # Of the words over two labels with an odd number of the second one none is possible.
    rng = np.random.default_rng(0)
    num_states = 120_000
    targets = rng.integers(num_states, size=(num_states, 2))
    targets[:, 0] = (np.arange(num_states) + 1) % num_states
    labels = np.tile([1, 2], num_states)
    offsets = np.arange(0, 2 * num_states + 1, 2)
    accepting = np.zeros(num_states, bool)
    accepting[-1] = True
    from ctcbench.decoding import Automaton

    guide = Automaton(4, 0, accepting, offsets, labels, targets.reshape(-1))
    log_probs_TK = np.log(np.full((400, 4), 0.25))
    log_probs_TK[-1] = [-np.inf, -np.inf, -np.inf, 0.0]
    best = best_labelling(log_probs_TK, beam_width=1, threads=1, guide=guide)
    assert best == ((), -math.inf, False, math.inf, "none")


def test_of_ties_the_lexicographically_smallest_is_returned():
    log_probs_TK = np.log([[0.1, 0.3, 0.3, 0.3], [0.7, 0.1, 0.1, 0.1]])
    best = best_labelling(log_probs_TK, guide=word_automaton((2,), (3,)))
    assert best.labels == (2,)
    assert best.optimal


def test_improbable_labellings_have_an_exact_score_and_a_gap():
    rng = np.random.default_rng(0)
    log_probs_TK = log_softmax(rng.normal(size=(60, 4)) + 12 * (np.arange(4) == 1))
    guide = word_automaton((2, 3) * 20)
    best = best_labelling(log_probs_TK, threads=1, guide=guide)
    assert not best.optimal
    assert best.labels == (2, 3) * 20
    assert best.log_prob == pytest.approx(score_labellings(log_probs_TK, [best.labels])[0], rel=1e-12)
    assert best.gap == pytest.approx(-best.log_prob, rel=1e-9)


def test_what_the_rejected_best_path_has_is_left_out_of_the_bound():
    # The best path "1" has 0.9, so the accepted labellings share 0.1.
    log_probs_TK = np.log([[0.04, 0.9, 0.06, 1e-9]])
    best = best_labelling(log_probs_TK, nodes=0, beam_width=2, guide=word_automaton((), (2,)))
    assert best[:1] + best[2:] == ((2,), True, 0.0, "beam")


def test_the_result_depends_neither_on_threads_nor_on_the_batch():
    rng = np.random.default_rng(7)
    guide = random_automaton(rng, 6, 0)
    values_NTK = np.stack([log_probs_of("noisy", rng, 12, 6) for _ in range(30)])
    together = best_labelling(values_NTK, threads=3, guide=guide)
    assert together == [best_labelling(values_TK, threads=1, guide=guide) for values_TK in values_NTK]
    expected = [Hypothesis(best.labels, best.log_prob, ()) for best in together]
    assert best_labelling(values_NTK, guide=guide, proofs=False) == expected


LANES = [path for path in _core.paths() if path != "exact"]


def test_all_code_paths_are_bit_identical():
    for seed in range(300):
        case = random_case(seed)
        guide = random_automaton(np.random.default_rng([seed, 3]), case.log_probs_TK.shape[1], case.blank)
        for nodes in (0, 20, 10_000):
            first, *others = [
                _core.best_labellings(
                    case.log_probs_TK[None],
                    np.array([len(case.log_probs_TK)]),
                    path=path,
                    blank=case.blank,
                    beam_width=2,
                    nodes=nodes,
                    threads=1,
                    guide=guide.as_guide(),
                    labelling=BestLabelling,
                )
                for path in LANES
            ]
            assert all(other == first for other in others), f"{seed=} {case}"


def test_frames_that_cannot_be_decoded_are_named_also_where_nothing_is_accepted():
    values_TK = np.log(np.full((2, 4), 0.25))
    values_TK[1, 2] = np.nan
    with pytest.raises(ValueError, match="frame 1, class 2 is nan"):
        best_labelling(values_TK, guide=word_automaton((1, 2, 3)))


def test_what_is_no_constraint_is_refused():
    values_TK = np.log(np.full((5, 4), 0.25))
    rng = np.random.default_rng(0)
    compiled, _ = weighted(rng, random_automaton(rng, 4, 0))
    kinds = [(compiled, "ctcbench.decoding._core.Guide"), ("abc", "str"), ([word_automaton((1,)), 3], "int")]
    for guide, kind in kinds:
        with pytest.raises(TypeError, match=rf"of type {kind}; it must be a ctcbench\..*\.Automaton or a"):
            best_labelling(values_TK, guide=guide)
    with pytest.raises(ValueError, match="guide is for 5 classes, but log_probs has 4"):
        best_labelling(values_TK, guide=word_automaton((1,), classes=5))
    with pytest.raises(ValueError, match="class 1, which is the blank"):
        best_labelling(values_TK, blank=1, guide=word_automaton((1,)))
    characters = [None, "a", "b", "c"]
    both = [pattern_automaton(characters, "a+"), pattern_automaton(characters, "b+")]
    with pytest.raises(InputError, match="the constraints together allow no text"):
        best_labelling(values_TK, guide=both)
    assert best_labelling(values_TK, guide=[]) == best_labelling(values_TK)
    values = {"beam_width": 2, "nodes": 2, "blank": 0, "threads": 1, "path": "automatic"}
    with pytest.raises(ValueError, match="an automaton without weights"):
        _core.best_labellings(
            values_TK[None], np.array([5]), **values, guide=compiled, labelling=BestLabelling
        )

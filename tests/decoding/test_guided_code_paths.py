"""Guided searches on every code path: bit-identical but for `exact`, which agrees within rounding."""

import numpy as np
import pytest

from ctcbench.decoding import Automaton, Hypothesis, _core
from ctcbench.decoding.guides import compiled_guide
from tests.decoding.decoding_cases import assert_same, log_probs_of
from tests.decoding.guided_cases import random_guided_case, random_weights, tree_automaton, with_weights

LANES = [path for path in _core.paths() if path != "exact"]


def decode(values_TK, path, guide, **options):
    options = {"beam_width": 25, "blank": 0, "n_best": 25, "threads": 1} | options
    lengths_N = np.array([len(values_TK)])
    compiled = compiled_guide(guide, classes=values_TK.shape[1], blank=options["blank"])
    return _core.beam_search(
        values_TK[None], lengths_N, path=path, hypothesis=Hypothesis, guide=compiled, **options
    )[0]


def compare(values_TK, guide, context="", **options):
    """Compare all paths; return the hypotheses."""
    first, *others = [decode(values_TK, path, guide, **options) for path in LANES]
    assert all(other == first for other in others), context
    assert_same(first, decode(values_TK, "exact", guide, **options), context)
    return first


def compare_seeds(seeds):
    for seed in seeds:
        case = random_guided_case(seed)
        options = {"beam_width": case.beam_width, "n_best": case.beam_width, "blank": case.blank}
        compare(case.log_probs_TK, case.guide, f"{seed=} {case}", **options)


def test_random_cases():
    compare_seeds(range(200, 350))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_a_hundred_thousand_random_cases(part):
    compare_seeds(range(500_000 + part * 10_000, 500_000 + (part + 1) * 10_000))


def random_words(rng, count, num_classes, longest):
    return {
        tuple(rng.integers(1, num_classes, size=rng.integers(1, longest + 1)).tolist()) for _ in range(count)
    }


KINDS = ["noisy", "underflow", "peaky", "flat", "ties", "repeats", "minus infinity", "unnormalised"]


@pytest.mark.parametrize(
    "kind", [*KINDS[:2], *(pytest.param(kind, marks=pytest.mark.landing) for kind in KINDS[2:])]
)
@pytest.mark.parametrize(
    ("num_frames", "num_classes", "width", "words"), [(18, 63, 25, 3000), (40, 9, 70, 500), (30, 20, 200, 10)]
)
def test_lexicons(kind, num_frames, num_classes, width, words):
    rng = np.random.default_rng([width, KINDS.index(kind)])
    lexicon = tree_automaton(random_words(rng, words, num_classes, 8), num_classes)
    values_TK = log_probs_of(kind, rng, num_frames, num_classes).astype(np.float32)
    for guide in (lexicon, with_weights(lexicon, *random_weights(rng, lexicon))):
        found = compare(values_TK, guide, kind, beam_width=width, n_best=width)
        assert found or kind == "minus infinity"
        assert all(lexicon.accepts(hypothesis.labels) for hypothesis in found)


def computed(automaton):
    """Return a guide with the same labellings of which the search has to compute the rows: a product."""
    classes = automaton.classes
    every = Automaton(classes, 0, [True], [0, classes - 1], np.arange(1, classes), np.zeros(classes - 1, int))
    return [automaton, every]


def test_more_rows_than_the_cache_of_a_search_holds():
    # 32 MB hold some 250 rows of 4,000 edges, 28 bytes each; the search uses more.
    rng = np.random.default_rng(0)
    states, labels = 800, 4000
    automaton = Automaton(
        5001,
        0,
        np.ones(states, bool),
        np.arange(states + 1) * labels,
        np.concatenate([np.sort(rng.choice(5000, labels, replace=False)) + 1 for _ in range(states)]),
        rng.integers(states, size=states * labels),
    )
    values_TK = np.log(rng.dirichlet(np.ones(5001), 20)).astype(np.float32)
    values_TK[:, 0] = -9  # so that labels replace the blank in every frame
    compare(values_TK, computed(automaton), beam_width=30, n_best=30)


def test_a_beam_whose_rows_do_not_fit_into_memory_is_decoded_by_the_exact_search():
    rng = np.random.default_rng(1)
    lexicon = tree_automaton(random_words(rng, 50, 5001, 3), 5001)
    values_TK = log_probs_of("noisy", rng, 6, 5001)
    options = {"beam_width": 1000, "n_best": 50}
    guide = computed(lexicon)
    assert decode(values_TK, LANES[0], guide, **options) == decode(values_TK, "exact", guide, **options)


def random_chain(rng, num_classes, length):
    """Return an automaton of texts of one length: at each place another random part of the classes."""
    places = [np.sort(rng.choice(num_classes - 1, int(rng.integers(1, num_classes)), replace=False)) + 1]
    for _ in range(length - 1):
        # Sometimes the same part again, so that several states permit the same.
        part = np.sort(rng.choice(num_classes - 1, int(rng.integers(1, num_classes)), replace=False)) + 1
        places.append(places[-1] if rng.random() < 0.3 else part)
    counts = [len(part) for part in places]
    return Automaton(
        num_classes,
        0,
        np.arange(length + 1) == length,
        np.cumsum([0, *counts, 0]),
        np.concatenate(places),
        np.repeat(np.arange(1, length + 1), counts),
    )


@pytest.mark.parametrize("width", [3, 25, 60, pytest.param(150, marks=pytest.mark.landing)])
@pytest.mark.parametrize("num_classes", [8, 63, 64, 65, 130, pytest.param(300, marks=pytest.mark.landing)])
def test_states_that_permit_different_parts_of_the_alphabet(num_classes, width):
    rng = np.random.default_rng([num_classes, width])
    for kind in ("noisy", "peaky", "repeats", "flat", "ties", "unnormalised"):
        for num_frames in (6, 18, 30):
            chain = random_chain(rng, num_classes, int(rng.integers(1, 9)))
            # Two lengths in one automaton, so that rows of several states are in the beam at the end too.
            chain = Automaton(
                num_classes,
                0,
                np.asarray(chain.accepting) | (rng.random(chain.num_states) < 0.3),
                chain.offsets,
                chain.labels,
                chain.targets,
            )
            values_TK = log_probs_of(kind, rng, num_frames, num_classes).astype(np.float32)
            for guide in (chain, with_weights(chain, *random_weights(rng, chain))):
                compare(values_TK, guide, f"{kind} {num_frames}", beam_width=width, n_best=width)


def test_a_beam_that_shrinks_and_grows_again():
    # Long words leave the beam when they no longer fit, and later frames fill it again.
    rng = np.random.default_rng(2)
    words = random_words(rng, 300, 6, 9) | {(1,), (2,), (1, 2), (2, 1, 2)}
    lexicon = tree_automaton(words, 6)
    for num_frames in range(1, 24):
        for kind in ("flat", "noisy", "ties"):
            compare(
                log_probs_of(kind, rng, num_frames, 6),
                lexicon,
                f"{num_frames} {kind}",
                beam_width=40,
                n_best=40,
            )


@pytest.mark.parametrize("width", [5, 25, pytest.param(100, marks=pytest.mark.landing)])
@pytest.mark.parametrize("words", [1, 10])
def test_texts_that_the_network_holds_for_impossible(words, width):
    # The totals of all labellings fall by hundreds of powers of ten, and some rows far below the best one.
    rng = np.random.default_rng([words, width])
    lexicon = tree_automaton({tuple(rng.integers(1, 30, size=24).tolist()) for _ in range(words)}, 30)
    values_TK = log_probs_of("peaky", rng, 120, 30).astype(np.float32)
    masked_TK = np.where(values_TK < -38, np.float32(-np.inf), values_TK)
    for values in (values_TK, masked_TK, 3 * values_TK):
        for guide in (lexicon, with_weights(lexicon, *random_weights(rng, lexicon))):
            compare(values, guide, beam_width=width, n_best=width)


@pytest.mark.parametrize("log_weight", [-1e6, -700.0, -300.0, 100.0])
def test_weights_at_the_ends_of_their_range(log_weight):
    words = {(1, 2), (2, 1), (1, 1, 2), (2,), (1,)}
    automaton = tree_automaton(words, 3)
    guide = with_weights(
        automaton,
        np.where(np.arange(automaton.num_edges) % 2, log_weight, 0.0),
        np.where(np.arange(automaton.num_states) % 3, 0.0, log_weight),
    )
    values_TK = log_probs_of("noisy", np.random.default_rng(3), 9, 3)
    for width in (1, 2, 3, 5, 8):
        found = compare(values_TK, guide, beam_width=width, n_best=width)
    assert {hypothesis.labels for hypothesis in found} == words


def test_the_results_of_a_batch_do_not_depend_on_what_was_decoded_before():
    rng = np.random.default_rng(4)
    lexicon = tree_automaton(random_words(rng, 2000, 63, 6), 63).as_guide()
    values_NTK = np.stack([log_probs_of("noisy", rng, 18, 63) for _ in range(40)])
    options = {"beam_width": 25, "blank": 0, "n_best": 5, "hypothesis": Hypothesis, "guide": lexicon}
    together = _core.beam_search(values_NTK, np.full(40, 18), threads=1, **options)
    assert together == _core.beam_search(values_NTK, np.full(40, 18), threads=3, **options)
    for values_TK, found in zip(values_NTK, together, strict=True):
        assert _core.beam_search(values_TK[None], np.array([18]), threads=1, **options) == [found]

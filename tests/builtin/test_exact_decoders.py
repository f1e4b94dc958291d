"""The decoder `best_cpp` as a component."""

import math

import numpy as np
import pytest

from ctcbench import UsageError
from ctcbench.benchmarks.workloads import find_workload
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import ComponentNotice
from ctcbench.decoding import Hypothesis, best_labelling, score_labellings
from ctcbench.decoding.constraints import character_automaton, length_automaton, pattern_automaton
from ctcbench.registry.discovery import load_registry


@pytest.fixture(scope="module")
def read():
    drawn = find_workload("captcha-noisy").draw()
    return LogProbs(drawn.values_NTK[:12], drawn.lengths_N[:12], drawn.texts[:12], drawn.alphabet)


def decode(read, text):
    return load_registry().build("decoder", text, read.alphabet)(read)


def test_best_cpp_returns_the_most_probable_labellings(read):
    expected = [(best.labels, best.log_prob, ()) for best in best_labelling(read.values_NTK)]
    assert decode(read, "best_cpp") == decode(read, "best_cpp:threads=2,nodes=5000") == expected


def test_best_cpp_subtracts_the_blank_penalty(read):
    expected = [best.labels for best in best_labelling(read.values_NTK, blank_penalty=2.0)]
    assert [one.labels for one in decode(read, "best_cpp:blank_penalty=2")] == expected


def test_best_cpp_finds_the_best_text_within_a_constraint(read):
    characters = read.alphabet.characters
    classes = [None, *characters]
    pattern = f"[{characters[:30]}]{{2}}[{characters[30:]}]{{3}}"
    best = best_labelling(read.values_NTK, guide=pattern_automaton(classes, pattern))
    expected = [Hypothesis(one.labels, one.log_prob, ()) for one in best]
    assert decode(read, f'best_cpp:pattern="{pattern}"') == expected
    assert all(one.optimal for one in best)
    both = [character_automaton(classes, characters[:30]), length_automaton(classes, 4, 6)]
    best = best_labelling(read.values_NTK, guide=both)
    found = decode(read, f"best_cpp:characters={characters[:30]},length=4-6,threads=2")
    assert [(one.labels, one.log_prob) for one in found] == [(one.labels, one.log_prob) for one in best]


def test_best_cpp_within_a_constraint_subtracts_the_blank_penalty(read):
    guide = length_automaton([None, *read.alphabet.characters], 6, 6)
    expected = [best.labels for best in best_labelling(read.values_NTK, blank_penalty=2.0, guide=guide)]
    assert [one.labels for one in decode(read, "best_cpp:blank_penalty=2,length=6")] == expected


def test_texts_of_best_cpp_within_a_constraint_are_accepted_and_the_first_is_its_own(read):
    search = load_registry().build("decoder", "best_cpp:length=4,width=1", read.alphabet)
    found = search.n_best(read, 5)
    for best, hypotheses in zip(search(read), found, strict=True):
        assert hypotheses[0] == best
        assert len({one.labels for one in hypotheses}) == len(hypotheses) == 5
        assert all(len(one.labels) == 4 for one in hypotheses)
    assert [len(hypotheses) for hypotheses in search.n_best(read, 1)] == [1] * len(found)


@pytest.mark.parametrize("options", ["nodes=10000", "length=4,width=1", "nodes=0,width=2", "blank_penalty=2"])
def test_texts_of_best_cpp_are_in_the_order_of_their_exact_scores(read, options):
    search = load_registry().build("decoder", f"best_cpp:{options}", read.alphabet)
    penalty = 2 if options.startswith("blank") else 0
    found = search.n_best(read, 5)
    exact = score_labellings(
        read.values_NTK, [[one.labels for one in some] for some in found], blank_penalty=penalty
    )
    for best, hypotheses, scores in zip(search.with_proofs(read), found, exact, strict=True):
        assert len({one.labels for one in hypotheses}) == len(hypotheses) == 5
        assert [one.log_prob for one in hypotheses] == pytest.approx(scores.tolist())
        assert scores.tolist() == pytest.approx(sorted(scores, reverse=True))
        # Without a proof the wider beam may find a more probable one.
        assert hypotheses[0].log_prob >= best.log_prob
        assert best.optimal == (not options.startswith("nodes=0"))
        if best.optimal:
            assert hypotheses[0].labels == best.labels


def test_the_proofs_of_best_cpp_are_those_of_its_labellings(read):
    for options, settings in (("nodes=0,width=1", {"nodes": 0, "beam_width": 1}), ("length=4", {})):
        search = load_registry().build("decoder", f"best_cpp:{options}", read.alphabet)
        if "length" in options:
            settings = {"guide": length_automaton([None, *read.alphabet.characters], 4, 4)}
        assert search.with_proofs(read) == best_labelling(read.values_NTK, **settings)
        assert search(read) == [Hypothesis(one.labels, one.log_prob, ()) for one in search.with_proofs(read)]


def test_images_without_an_accepted_text_are_counted_with_the_reason(read):
    message = (
        r"decoder best_cpp: no text that its options permit is possible in the frames of some images "
        r"\(12 of 12\): the shortest one needs 40 frames"
    )
    search = load_registry().build("decoder", "best_cpp:length=40", read.alphabet)
    with pytest.warns(ComponentNotice, match=message):
        found = search(read)
    assert found == [Hypothesis((), -math.inf, ())] * 12
    with pytest.warns(ComponentNotice, match=message):
        assert search.n_best(read, 3) == [[]] * 12
    values_NTK = np.where(np.arange(len(read.alphabet.characters) + 1) == 1, -np.inf, read.values_NTK)
    masked = LogProbs(values_NTK.astype(np.float32), read.lengths_N, read.texts, read.alphabet)
    search = load_registry().build(
        "decoder", f"best_cpp:pattern={read.alphabet.characters[0]}", read.alphabet
    )
    with pytest.warns(ComponentNotice, match="those that fit have probability zero; their texts are empty"):
        assert search(masked) == [Hypothesis((), -math.inf, ())] * 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("length=5-4", "length"),
        ("pattern=[A-Z", "pattern"),
        ("characters=ä", "ä"),
        ("lexicon=missing.txt", "missing.txt"),
        ("unwritable_words=skip", "unwritable_words=skip needs lexicon=FILE"),
        ("pattern=.{8},length=9", "allow no text"),
        ("lm=model.arpa", "best_cpp"),
    ],
)
def test_options_of_best_cpp_that_no_text_can_meet_are_usage_errors(read, options, message):
    with pytest.raises(UsageError, match=message):
        load_registry().build("decoder", f"best_cpp:{options}", read.alphabet)

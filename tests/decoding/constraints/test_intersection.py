"""intersect: compared with the texts that all automata accept."""

import random

import pytest

from ctcbench.decoding import Hotwords, InputError
from ctcbench.decoding.constraints import (
    character_automaton,
    intersect,
    length_automaton,
    lexicon_automaton,
    pattern_automaton,
    position_automaton,
)
from tests.decoding.constraints.enumeration import CHARACTERS, accepted, texts


def random_automaton(rng):
    some = "".join(rng.sample("abc1", rng.randint(1, 4)))
    return rng.choice([
        lambda: length_automaton(CHARACTERS, rng.randint(0, 2), rng.choice([2, 3, 4, None])),
        lambda: character_automaton(CHARACTERS, some),
        lambda: position_automaton(CHARACTERS, [some] * rng.randint(1, 4)),
        lambda: lexicon_automaton(CHARACTERS, rng.sample(texts(4), 200)),
        lambda: pattern_automaton(CHARACTERS, f"[{some}]*(ab|1).*"),
    ])()  # fmt: skip


def check(seed):
    rng = random.Random(seed)
    automata = [random_automaton(rng) for _ in range(rng.randint(1, 4))]
    expected = set.intersection(*(set(accepted(automaton)) for automaton in automata))
    try:
        assert set(accepted(intersect(automata))) == expected
    except InputError as error:
        assert "allow no text" in str(error)
        assert not expected


def test_it_accepts_what_all_accept():
    for seed in range(15):
        check(seed)


@pytest.mark.slow
def test_it_accepts_what_all_accept_in_many_random_cases():
    for seed in range(15, 3_000):
        check(seed)


def test_constraints_that_contradict_each_other():
    with pytest.raises(InputError, match="the constraints together allow no text"):
        intersect([length_automaton(CHARACTERS, 2, 2), length_automaton(CHARACTERS, 3)])


def test_wrong_arguments():
    with pytest.raises(ValueError, match="at least one"):
        intersect([])
    with pytest.raises(TypeError, match="must be a list of Automaton"):
        intersect(length_automaton(CHARACTERS, 1))
    with pytest.raises(TypeError, match=r"automata\[1\] is .*Hotwords.*; it must be an Automaton"):
        intersect([length_automaton(CHARACTERS, 1), Hotwords(["a"], CHARACTERS)])
    assert intersect(iter([length_automaton(CHARACTERS, 1, 1)])).accepts([1])
    with pytest.raises(ValueError, match="5, 3 classes"):
        intersect([length_automaton(CHARACTERS, 1), length_automaton([None, "a", "b"], 1)])


def test_the_limit_of_states_is_named(monkeypatch):
    monkeypatch.setattr("ctcbench.decoding.constraints.trimming.MOST_STATES", 100)
    automata = [pattern_automaton(CHARACTERS, f"((a|b|c|1){{{n}}})*") for n in (7, 9, 11)]
    with pytest.raises(InputError, match="together: the automaton would have more than 100 states"):
        intersect(automata)

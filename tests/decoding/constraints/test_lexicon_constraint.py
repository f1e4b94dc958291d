"""lexicon_automaton: compared with the list of words, and with the number of distinct sets of endings."""

import random

import numpy as np
import pytest

from ctcbench.decoding import InputError, _core
from ctcbench.decoding.constraints import lexicon_automaton
from tests.decoding.constraints.enumeration import CHARACTERS, accepted, texts


def num_minimal_states(words):
    """Return the number of states of the minimal automaton: of distinct sets of endings (Myhill, Nerode)."""
    beginnings = {word[:n] for word in words for n in range(len(word) + 1)}
    return len({frozenset(w[len(b) :] for w in words if w.startswith(b)) for b in beginnings})


def check(words):
    automaton = lexicon_automaton(CHARACTERS, words)
    assert accepted(automaton) == [text for text in texts(4) if text in set(words)]
    assert automaton.num_states == num_minimal_states(set(words))


def random_words(seed):
    rng = random.Random(seed)
    pool = texts(4)
    return rng.sample(pool, rng.choice([1, 2, 5, 20, 100, len(pool)]))


@pytest.mark.parametrize(
    "words",
    [[""], ["a"], ["a", "a"], ["", "a"], ["ab", "cb", "b"], ["abc1"], ["b", "a", "ba", "ab"], texts(3)],
)
def test_it_accepts_the_words_with_the_fewest_states(words):
    check(words)


def test_random_lists():
    for seed in range(20):
        check(random_words(seed))


@pytest.mark.slow
def test_many_random_lists():
    for seed in range(20, 1_000):
        check(random_words(seed))


def test_a_large_list():
    rng = np.random.default_rng(0)
    words = {"".join(rng.choice(list("abc1"), rng.integers(1, 12))) for _ in range(4_000)}
    automaton = lexicon_automaton(CHARACTERS, words)
    for word in list(words)[:500]:
        assert automaton.accepts([CHARACTERS.index(c) for c in word])
        longer = f"{word}a"
        assert automaton.accepts([CHARACTERS.index(c) for c in longer]) == (longer in words)
    # The number of words, from the number of ways to an end.
    ways = np.zeros(automaton.num_states, object)
    for state in range(automaton.num_states):  # targets come before sources, as states are closed from below
        edges = slice(automaton.offsets[state], automaton.offsets[state + 1])
        ways[state] = int(automaton.accepting[state]) + sum(ways[automaton.targets[edges]])
    assert ways[automaton.start] == len(words)


def test_characters_outside_of_the_alphabet_are_named_and_counted():
    words = ["abc", "caf\u00e9", "b-a", "1"]
    with pytest.raises(InputError, match=r"2 of 4 words .* lacks: '-' 'f' 'é' \(the first is 'café'\)"):
        lexicon_automaton(CHARACTERS, words)
    assert accepted(lexicon_automaton(CHARACTERS, words, skip_unwritable=True)) == ["1", "abc"]
    with pytest.raises(TypeError, match="skip_unwritable is 'no'; it must be True or False"):
        lexicon_automaton(CHARACTERS, words, skip_unwritable="no")
    with pytest.raises(InputError, match="no word is left of 2"):
        lexicon_automaton(CHARACTERS, ["x", "y"], skip_unwritable=True)
    with pytest.raises(InputError, match="the lexicon has no word"):
        lexicon_automaton(CHARACTERS, [])
    with pytest.raises(InputError, match="the lexicon is 'abc'; it must be a list of words"):
        lexicon_automaton(CHARACTERS, "abc")
    with pytest.raises(InputError, match="the lexicon is None; it must be a list of words"):
        lexicon_automaton(CHARACTERS, None)
    with pytest.raises(InputError, match="word 2 of the lexicon is 5; it must be a string"):
        lexicon_automaton(CHARACTERS, ["a", 5])


def test_astral_characters_and_lone_surrogates():
    characters = [None, "\U0001f600", "a"]
    assert lexicon_automaton(characters, ["a\U0001f600"]).accepts([2, 1])
    with pytest.raises(InputError, match="1 of 1 words"):
        lexicon_automaton(characters, ["\ud800"])


def test_characters_of_several_code_points():
    characters = [None, "q", "q\u0303", "q\u0303\u0323", "\u0303"]
    automaton = lexicon_automaton(characters, ["qq\u0303", "q\u0303\u0323\u0303"])
    accepted_ones = [
        labels for labels in ([1, 2], [1, 1, 4], [3, 4], [2, 4], [1, 4]) if automaton.accepts(labels)
    ]
    assert accepted_ones == [[1, 2], [3, 4]]
    with pytest.raises(InputError, match=r"1 of 2 words .* lacks: 'x'"):
        lexicon_automaton(characters, ["q", "xq"])


@pytest.mark.parametrize(
    ("labels", "offsets"),
    [([1], [0]), ([1], [0, 2]), ([1], [1, 1]), ([1, 2], [0, 2, 1, 2]), ([1], [0, -1, 1])],
)
def test_the_extension_refuses_offsets_that_do_not_fit(labels, offsets):
    with pytest.raises(ValueError, match="offsets must"):
        _core.minimal_automaton(np.array(labels, np.int32), np.array(offsets, np.int64))

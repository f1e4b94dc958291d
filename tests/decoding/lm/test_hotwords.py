import copy
import itertools
import math
import pickle

import numpy as np
import pytest

from ctcbench import UsageError
from ctcbench.decoding.lm.hotwords import Hotwords
from tests.decoding.lm.plain_fusion import guided_log_weight

CHARACTERS = [None, "a", "b", " "]


def labellings(longest):
    return itertools.chain.from_iterable(itertools.product((1, 2, 3), repeat=n) for n in range(longest + 1))


def occurrences(word, text, *, whole):
    text, word = (f" {text} ", f" {word} ") if whole else (text, word)
    return sum(text.startswith(word, place) for place in range(len(text)))


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("boost", [2.5, -1.5])
@pytest.mark.parametrize("words", [["ab"], ["aba", "ba", "b"], ["a b", "bb", "b"], ["aabaa"]])
def test_each_occurrence_earns_the_boost(whole, boost, words):
    guide = Hotwords(words, CHARACTERS, boost=boost, whole_words=whole).as_guide()
    for labels in labellings(6):
        text = "".join(CHARACTERS[label] for label in labels)
        count = sum(occurrences(word, text, whole=whole) for word in words)
        assert guided_log_weight(guide, labels) == pytest.approx(boost * count, abs=1e-9)


def test_the_beginning_of_a_hotword_has_a_part_of_the_boost():
    guide = Hotwords(["abab"], CHARACTERS[:3], boost=4).as_guide()
    state, earned = guide.start, []
    for label in (1, 2, 1, 2, 2):
        next_K, log_weights_K = guide.row(state)
        earned.append(float(log_weights_K[label]))
        state = int(next_K[label])
    # After abab the text ends in ab, half of the next one, which another b breaks off.
    assert earned == pytest.approx([1, 1, 1, 4 + 2 - 3, -2])


def test_words_are_whole_if_the_classes_have_a_space():
    with_space, without = (Hotwords(["a"], CHARACTERS[:n], boost=1).as_guide() for n in (4, 3))
    assert guided_log_weight(with_space, (1, 1)) == pytest.approx(0)
    assert guided_log_weight(without, (1, 1)) == pytest.approx(2)


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        ([], {}, r"hotwords are .*; they must be a list of at least one word"),
        ("ab", {}, "hotwords are 'ab'; they must be a list"),
        (5, {}, "hotwords are 5; they must be a list"),
        (["a", ""], {}, "a hotword is empty"),
        (["a", 5], {}, "the hotword 5 is no text"),
        (["a", "xay"], {}, "the hotword 'xay' has 'x' 'y', which the alphabet lacks"),
        (["a"], {"boost": 51}, "boost is 51; it must be from -50 to 50"),
        (["a"], {"boost": math.nan}, "boost is nan; it must be a finite number"),
        (["a", "aa", "aaa"], {"boost": 50, "whole_words": False}, "too much for hotwords of which several"),
    ],
)
def test_wrong_hotwords_are_refused(words, options, message):
    with pytest.raises((UsageError, ValueError), match=message):
        Hotwords(words, CHARACTERS, **options)


def test_whole_words_need_a_space():
    for characters in (CHARACTERS[:3], [None, "a", " ", "\u2581a"]):
        with pytest.raises(UsageError, match="needs a class that separates words: a space"):
            Hotwords(["a"], characters, whole_words=True)


def test_a_bar_separates_words_as_a_space_does():
    words = ["a b", "bb"]
    with_space, with_bar = (Hotwords(words, [None, "a", "b", c], boost=1).as_guide() for c in " |")
    for labels in labellings(5):
        assert guided_log_weight(with_bar, labels) == guided_log_weight(with_space, labels)


@pytest.mark.parametrize("words", [np.array(["ab", "b"]), {"ab": 1, "b": 2}, ("ab", "b"), iter(["ab", "b"])])
def test_words_are_any_iterable(words):
    guide, expected = (Hotwords(some, CHARACTERS[:3]).as_guide() for some in (words, ["ab", "b"]))
    for labels in itertools.product((1, 2), repeat=4):
        assert guided_log_weight(guide, labels) == guided_log_weight(expected, labels)


@pytest.mark.parametrize("whole", [False, True])
def test_they_can_be_pickled_and_copied(whole):
    hotwords = Hotwords(iter(["ab", "ba"]), CHARACTERS, boost=1.5, whole_words=whole)
    for other in (pickle.loads(pickle.dumps(hotwords)), copy.deepcopy(hotwords)):
        for labels in labellings(4):
            weight = guided_log_weight(hotwords.as_guide(), labels)
            assert guided_log_weight(other.as_guide(), labels) == weight

"""Language models whose weights are far apart or high: the score is that of the formula all the same."""

import itertools

import numpy as np
import pytest

from ctcbench.decoding import BeamSearchStream, Hotwords, LanguageModel, beam_search, score_labellings
from ctcbench.decoding.lm.arpa_reader import parse_arpa
from ctcbench.decoding.reference import all_labellings
from tests.decoding.lm.plain_fusion import guided_log_weight, plain_log_weight

CHARACTERS = [None, *"ab "]
VALUES_TK = np.log(np.random.default_rng(0).dirichlet(np.ones(4), 5))
# Logarithms to base 10 of the probabilities, and of backoff weights.
RARE_WORD = "-1 <unk> 0\n-1 <s> 0\n-1 </s> 0\n-99 bbb 0\n-1 aa 0"
RARE_UNKNOWN = "-99 <unk> 0\n-1 <s> 0\n-1 </s> 0\n-1 aa 0"
FREQUENT_AFTER_START = "-3 <unk> 0\n-1 <s> -0.1\n-1 </s> 0\n-7 bb 0\n-2 a 0", "-0.01 <s> bb"
UNKNOWN_AFTER_START = "-80 <unk> 0\n-1 <s> 0\n-1 </s> 0\n-1 aa 0", "-0.01 <s> <unk>"
BACKOFF_ABOVE_ONE = "-40 <unk> 0\n-1 <s> 30\n-35 </s> 0\n-40 a 35\n-40 b 0", "-2 <s> a\n-50 a b"
LETTERS = "-3 <unk> 0\n-1 <s> -0.1\n-1 </s> 0\n-7 a 0\n-2 b 0", "-0.01 <s> a"


def model_of(*levels):
    """Return a model from lines of its n-grams, of each order one text."""
    levels = levels if len(levels) > 1 else (levels[0], "-0.5 <s> aa")
    counts = "".join(f"ngram {n}={len(lines.split(chr(10)))}\n" for n, lines in enumerate(levels, 1))
    text = f"\\data\\\n{counts}\n"
    for n, lines in enumerate(levels, 1):
        text += f"\\{n}-grams:\n"
        for line in lines.split("\n"):
            log_prob, *words, log_backoff = line.split() if n < len(levels) else (*line.split(), "")
            text += f"{log_prob}\t{' '.join(words)}\t{log_backoff}".rstrip() + "\n"
        text += "\n"
    return parse_arpa((text + "\\end\\\n").encode(), "a test")


def text_of(labels):
    return "".join(CHARACTERS[label] for label in labels)


def check(model, unit, hotwords=(), boost=0.0, **settings):
    """Compare weights and searches with the formula; return the highest weight of a single label."""
    guides = [LanguageModel(model, CHARACTERS, unit=unit, **settings)]
    if hotwords:
        guides.append(Hotwords(hotwords, CHARACTERS, boost=boost))

    def expected(labels):
        words = text_of(labels).split(" ")
        bonus = boost * sum(words.count(word) for word in hotwords)
        return bonus + plain_log_weight(model, text_of(labels), unit=unit, **settings)

    labellings = [labels for n in range(5) for labels in itertools.product(range(1, 4), repeat=n)]
    highest = -np.inf
    for labels in labellings:
        weight = sum(guided_log_weight(guide.as_guide(), labels) for guide in guides)
        assert weight == pytest.approx(expected(labels), rel=1e-12, abs=1e-9), text_of(labels)
        state = guides[0].as_guide().start
        for label in labels:
            next_K, weights_K = guides[0].as_guide().row(state)
            highest = max(highest, weights_K.max())
            state = int(next_K[label])
        highest = max(highest, guides[0].as_guide().final_log_weight(state))
    possible = [labels for labels in labellings if len(labels) <= 2]
    free = score_labellings(VALUES_TK, possible)
    assert score_labellings(VALUES_TK, possible, guide=guides) == pytest.approx(
        [score + expected(labels) for labels, score in zip(possible, free, strict=True)], rel=1e-12
    )
    scores = {
        labels: log_prob + expected(labels)
        for labels, log_prob in all_labellings(VALUES_TK).items()
        if log_prob > -np.inf
    }
    best = sorted(scores.values(), reverse=True)[:5]
    found = beam_search(VALUES_TK, guide=guides, beam_width=2_000, n_best=5)
    assert [hypothesis.log_prob for hypothesis in found] == pytest.approx(best, rel=1e-12, abs=1e-8)
    assert [scores[hypothesis.labels] for hypothesis in found] == pytest.approx(best, rel=1e-12, abs=1e-8)
    stream = BeamSearchStream(guide=guides, beam_width=2_000, n_best=5)
    for frame_K in VALUES_TK:
        stream.push(frame_K[np.newaxis])
    assert stream.finish() == found
    return highest


@pytest.mark.parametrize("weight", [0.5, 1.0, 10.0, 100.0])
@pytest.mark.parametrize(
    "levels",
    [(RARE_WORD,), (RARE_UNKNOWN,), FREQUENT_AFTER_START, UNKNOWN_AFTER_START, BACKOFF_ABOVE_ONE],
)
def test_words_whose_probability_depends_much_on_the_context(levels, weight):
    highest = check(model_of(*levels), "word", weight=weight)
    # The searches in doubles decode all of these, except where a backoff weight is far above 1.
    assert highest <= 50.0 + 1e-9 or levels is BACKOFF_ABOVE_ONE


@pytest.mark.parametrize("unit", ["word", "character"])
@pytest.mark.parametrize("length_bonus", [-1000.0, 80.0, 99.0, 130.0, 500.0, 1000.0])
def test_a_bonus_above_what_searches_in_doubles_take(unit, length_bonus):
    model = model_of(*(LETTERS if unit == "character" else FREQUENT_AFTER_START))
    highest = check(model, unit, length_bonus=length_bonus)
    assert (highest > 100) == (length_bonus > 100)


@pytest.mark.parametrize("unit", ["word", "character"])
def test_parts_whose_sum_is_above_what_searches_in_doubles_take(unit):
    model = model_of(*(LETTERS if unit == "character" else FREQUENT_AFTER_START))
    check(model, unit, ["a"], 50.0, length_bonus=80.0)
    check(model, unit, ["a", "bb"], -50.0, length_bonus=120.0, weight=20.0)


def test_beginnings_of_rare_words_count_as_unknown_words_in_advance():
    guide = LanguageModel(model_of(RARE_WORD), CHARACTERS).as_guide()
    weights_K = guide.row(guide.start)[1]
    assert weights_K[2] == pytest.approx(0.5 * -np.log(10) - 10)  # bbb is less probable than an unknown word
    assert weights_K[1] == pytest.approx(0.5 * -np.log(10))
    known = LanguageModel(model_of(RARE_WORD), CHARACTERS, unknown_words=False).as_guide()
    assert known.row(known.start)[1][2] == pytest.approx(0.5 * -99 * np.log(10))

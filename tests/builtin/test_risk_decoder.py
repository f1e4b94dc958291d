"""The decoder `mbr`: its choice, within constraints and with language models too, and bad options."""

import inspect
import itertools
import math

import numpy as np
import pytest

from ctcbench.benchmarks.workloads import find_workload
from ctcbench.builtin.decoders import beam_cpp
from ctcbench.builtin.risk_decoder import mbr
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import ComponentNotice, UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.decoding import (
    beam_search,
    minimum_bayes_risk,
    read_arpa,
    rescore,
    train_kneser_ney,
    write_arpa,
)
from ctcbench.decoding.reference import all_labellings
from ctcbench.evaluation.metrics import char_accuracy, edit_distance
from tests.decoding.lm.plain_fusion import plain_log_weight

ALPHABET = Alphabet("ab1")
SPACED = Alphabet("ab ")
ERRORS = {
    "edit": edit_distance,
    "exact": lambda text, truth: float(text != truth),
    "char": lambda text, truth: 1.0 - char_accuracy(text, truth),
}


def read_of(alphabet, count, frames, spread=1.0):
    logits_NTK = np.random.default_rng(1).normal(0, spread, (count, frames, alphabet.num_classes))
    values_NTK = (logits_NTK - np.log(np.exp(logits_NTK).sum(-1, keepdims=True))).astype(np.float32)
    return LogProbs(values_NTK, np.full(count, frames), ("",) * count, alphabet)


def decode(registry, text, read):
    return registry.build("decoder", registry.resolve("decoder", text), read.alphabet)(read)


def least_risk(read, metric, log_weight):
    """Return the text of least expected error of each image, and its score, from all texts that there are."""
    found = []
    for values_TK in read.values_NTK:
        texts = {read.alphabet.decode(labels): score for labels, score in all_labellings(values_TK).items()}
        scores = {text: score + log_weight(text) for text, score in texts.items()}
        scores = {text: score for text, score in scores.items() if score > -math.inf}
        peak = max(scores.values())
        shares = {text: math.exp(score - peak) for text, score in scores.items()}
        risks = {
            text: sum(share * ERRORS[metric](text, truth) for truth, share in shares.items())
            for text in scores
        }
        best = min(risks, key=risks.__getitem__)
        found.append((best, pytest.approx(scores[best], abs=1e-5)))
    return found


def within(is_allowed):
    return lambda text: 0.0 if is_allowed(text) else -math.inf


CONSTRAINTS = {
    "length=3": lambda text: len(text) == 3,
    "length=1-2,characters=a1": lambda text: 1 <= len(text) <= 2 and set(text) <= set("a1"),
    "positions='ab,1,ab1'": lambda text: len(text) == 3 and text[0] != "1" and text[1] == "1",
    "pattern='[ab]{2}1*'": lambda text: text[:2].isalpha() and len(text) > 1 and not text[2:].strip("1"),
    "length=2-,pattern='(a|b|1)*a'": lambda text: len(text) >= 2 and text[-1] == "a",
}


@pytest.mark.parametrize("metric", ERRORS)
@pytest.mark.parametrize("options", CONSTRAINTS)
def test_the_expectation_is_over_the_texts_that_the_constraint_allows(registry, options, metric):
    read = read_of(ALPHABET, 6, 5)
    found = decode(registry, f"mbr:width=2000,metric={metric},{options}", read)
    expected = least_risk(read, metric, within(CONSTRAINTS[options]))
    assert [(ALPHABET.decode(one.labels), one.log_prob) for one in found] == expected


def test_every_text_of_a_narrow_beam_is_allowed(registry):
    read = read_of(ALPHABET, 40, 9, spread=2.0)
    for options, is_allowed in CONSTRAINTS.items():
        found = decode(registry, f"mbr:width=3,{options}", read)
        assert all(is_allowed(ALPHABET.decode(one.labels)) for one in found)


def test_a_lexicon(registry, tmp_path):
    words = ["ab", "ba1", "b", "a1a", "11"]
    (tmp_path / "words.txt").write_text("\n".join(words))
    read = read_of(ALPHABET, 20, 5)
    found = decode(registry, f"mbr:lexicon={tmp_path / 'words.txt'}", read)
    expected = least_risk(read, "edit", within(words.__contains__))
    assert [(ALPHABET.decode(one.labels), one.log_prob) for one in found] == expected
    best = decode(registry, f"beam_cpp:lexicon={tmp_path / 'words.txt'}", read)
    assert [one.labels for one in found] != [one.labels for one in best]


@pytest.mark.parametrize("unit", ["character", "word"])
def test_a_language_model_weighs_the_texts_of_the_expectation(registry, tmp_path, unit):
    texts = ["ab ba", "a", "abba ab", "ba"]
    split = {"character": lambda text: ["<space>" if c == " " else c for c in text], "word": str.split}[unit]
    write_arpa(train_kneser_ney(map(split, texts), 2).model, tmp_path / "model.arpa")
    model = read_arpa(tmp_path / "model.arpa")
    read = read_of(SPACED, 6, 5)

    def log_weight(text):
        own = plain_log_weight(model, text, unit=unit, weight=0.8, length_bonus=1.5, unknown_penalty=2.0)
        return own + 3.0 * text.split(" ").count("ab")

    options = f"lm={tmp_path / 'model.arpa'},lm_weight=0.8,length_bonus=1.5,unknown_penalty=2"
    text = f"mbr:width=2000,{options},hotwords=ab,hotword_boost=3"
    found = [(SPACED.decode(one.labels), one.log_prob) for one in decode(registry, text, read)]
    assert found == least_risk(read, "edit", log_weight)
    found = [(SPACED.decode(one.labels), one.log_prob) for one in decode(registry, f"{text},length=3", read)]
    assert found == least_risk(
        read, "edit", lambda text: log_weight(text) + (0 if len(text) == 3 else -math.inf)
    )


def test_the_candidates_are_the_beam_with_exact_scores(registry):
    drawn = find_workload("captcha-noisy").draw()
    read = LogProbs(drawn.values_NTK[:12], drawn.lengths_N[:12], drawn.texts[:12], drawn.alphabet)
    ranked = rescore(read.values_NTK, beam_search(read.values_NTK, beam_width=10, n_best=10))
    for metric in ERRORS:
        expected = [minimum_bayes_risk(one, metric=metric).hypothesis for one in ranked]
        got = decode(registry, f"mbr:width=10,metric={metric}", read)
        assert [(one.labels, one.log_prob) for one in got] == [(e.labels, e.log_prob) for e in expected]
    assert decode(registry, "mbr", read) == decode(registry, "mbr:metric=edit,threads=2", read)


def test_where_no_text_is_permitted_it_is_empty(registry):
    read = read_of(ALPHABET, 4, 6)
    read = LogProbs(read.values_NTK, np.array([6, 2, 6, 0]), read.texts, ALPHABET)
    with pytest.warns(
        ComponentNotice, match=r"decoder mbr: no text .* \(2 of 4\): the shortest one needs 3 fr"
    ):
        found = decode(registry, "mbr:length=3", read)
    assert [len(one.labels) for one in found] == [3, 0, 3, 0]
    assert [one.log_prob == -math.inf for one in found] == [False, True, False, True]


def test_alternatives_obey_the_options_and_have_exact_scores(registry):
    read = read_of(ALPHABET, 5, 6)
    for text in ("mbr:width=5,length=2", "mbr:width=5,length=2,hotwords=ab"):
        decoder = registry.build("decoder", text, ALPHABET)
        found = decoder.n_best(read, 9)
        assert [len(hypotheses) for hypotheses in found] == [9] * 5  # all texts of two characters
        assert all(len(one.labels) == 2 for hypotheses in found for one in hypotheses)
        for values_TK, hypotheses in zip(read.values_NTK, found, strict=True):
            scores = all_labellings(values_TK)
            boosts = [5.0 * ("hotwords" in text and one.labels == (1, 2)) for one in hypotheses]
            exact = [scores[one.labels] + boost for one, boost in zip(hypotheses, boosts, strict=True)]
            assert [one.log_prob for one in hypotheses] == pytest.approx(exact)
            assert all(a >= b - 1e-9 for a, b in itertools.pairwise(exact))
        assert decoder.has_own_score == ("hotwords" in text)


def test_the_options_are_those_of_beam_cpp():
    own, beam = (inspect.signature(one.builder).parameters for one in (mbr, beam_cpp))
    assert [str(one) for name, one in own.items() if name != "metric"] == [str(one) for one in beam.values()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("metric=cer", "edit"),
        ("width=10001", "out of bounds"),
        ("length=x", "length"),
        ("pattern='[0-9'", "not a regular expression"),
        ("pattern='x+'", "the alphabet lacks 'x'"),
        ("pattern=aa,length=3", "the constraints together allow no text"),
        ("characters=xyz", "xyz|'x' 'y' 'z'"),
        ("lexicon=missing.txt", "missing.txt: .*No such file"),
        ("unwritable_words=skip", "unwritable_words=skip needs lexicon=FILE"),
        ("lm=missing.arpa", "missing.arpa"),
        ("lm_weight=1", "need lm=FILE"),
        ("hotwords=axe", "the hotword 'axe' has 'x' 'e', which the alphabet lacks"),
    ],
)
def test_bad_options_are_the_errors_of_beam_cpp(registry, options, message):
    errors = []
    for name in ("mbr", "beam_cpp"):
        with pytest.raises(UsageError, match=message if name == "mbr" else None) as error:
            registry.build("decoder", f"{name}:{options}", ALPHABET)
        errors.append(str(error.value).replace("mbr", "beam_cpp"))
    assert errors[0] == errors[1] or options.startswith("metric")

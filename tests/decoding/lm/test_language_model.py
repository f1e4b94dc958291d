import itertools
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from ctcbench import UsageError
from ctcbench.decoding import beam_search
from ctcbench.decoding.lm.kneser_ney import train_kneser_ney
from ctcbench.decoding.lm.language_model import LanguageModel
from ctcbench.decoding.lm.ngram_model import END, SPACE, START, UNKNOWN, NgramLevel, NgramModel
from ctcbench.decoding.reference import all_labellings
from tests.decoding.lm.plain_fusion import guided_log_weight, plain_log_weight

LETTERS = "ab c"
CHARACTERS = [None, *LETTERS]
SETTINGS = {"weight": 0.7, "length_bonus": 0.4, "unknown_penalty": 3.0}
TEXTS = ["ab ba", "a cab", "abba", "", "b", "ca ab ab", "aab c"]


def character_model(order, texts=TEXTS, vocabulary=()):
    corpus = [[SPACE if c == " " else c for c in text] for text in texts]
    return train_kneser_ney(corpus, order, vocabulary).model


def word_model(order, texts=TEXTS):
    return train_kneser_ney([text.split() for text in texts], order).model


def text_of(labels):
    return "".join(CHARACTERS[label] for label in labels)


def without(model, *words):
    """Return the model with words renamed to others that no text has."""
    return replace(model, words=tuple(f"<no {word}>" if word in words else word for word in model.words))


def labellings(longest):
    return itertools.chain.from_iterable(
        itertools.product(range(1, len(CHARACTERS)), repeat=length) for length in range(longest + 1)
    )


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_character_weights_equal_the_definition(order):
    model = character_model(order)
    guide = LanguageModel(model, CHARACTERS, **SETTINGS).as_guide()
    for labels in labellings(4):
        expected = plain_log_weight(model, text_of(labels), unit="character", **SETTINGS)
        assert guided_log_weight(guide, labels) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_word_weights_equal_the_definition(order):
    model = word_model(order, [*TEXTS, "cabin a cabbage"])
    guide = LanguageModel(model, CHARACTERS, **SETTINGS).as_guide()
    for labels in labellings(5):
        expected = plain_log_weight(model, text_of(labels), unit="word", **SETTINGS)
        assert guided_log_weight(guide, labels) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("missing", [(START,), (END,), (UNKNOWN,), (START, END, UNKNOWN), ("a",)])
def test_models_without_special_words_or_characters(missing):
    for unit, model in [("character", character_model(3)), ("word", word_model(2, ["a b", "b a ab", "a a"]))]:
        lacking = without(model, *missing)
        guide = LanguageModel(lacking, CHARACTERS, unit=unit, **SETTINGS).as_guide()
        for labels in labellings(3):
            expected = plain_log_weight(lacking, text_of(labels), unit=unit, **SETTINGS)
            assert guided_log_weight(guide, labels) == pytest.approx(expected, rel=1e-12, abs=1e-9)


def test_words_may_be_restricted_to_those_of_the_model():
    guide = LanguageModel(word_model(2), CHARACTERS, unknown_words=False).as_guide()
    known = {"ab", "ba", "a", "cab", "abba", "b", "ca", "aab", "c"}
    for labels in labellings(5):
        permitted = set(text_of(labels).split()) <= known
        assert (guided_log_weight(guide, labels) is not None) == permitted
    state = int(guide.row(guide.start)[0][1])  # after "a", which is a word
    assert [guide.shortest(guide.start), guide.shortest(state)] == [0, 0]
    after_aa = int(guide.row(state)[0][1])  # "aab" needs one more
    assert guide.shortest(after_aa) == 1


def test_the_frames_to_the_end_of_a_word_count_blanks_between_equal_letters():
    model = word_model(2, ["aaa", "bbba", "ab", "baa c"])
    guide = LanguageModel(model, CHARACTERS, unknown_words=False).as_guide()

    def frames_needed(labels, last):
        """Return the least number of frames for a continuation, by trying all of up to four letters."""
        found = []
        for count in range(5):
            for more in itertools.product([1, 2, 4], repeat=count):
                if set(text_of((*labels, *more)).split()) <= {"aaa", "bbba", "ab", "baa", "c"}:
                    path = (last, *more)
                    found.append(count + sum(x == y for x, y in itertools.pairwise(path)))
        return min(found)

    state, checked = guide.start, 0
    for labels in itertools.chain.from_iterable(itertools.product([1, 2, 3], repeat=n) for n in range(1, 5)):
        state = guide.start
        for label in labels:
            state = int(guide.row(state)[0][label]) if state >= 0 else -1
        if state >= 0:
            assert guide.shortest(state) == frames_needed(labels, None)
            assert guide.shortest_after(labels[-1], state) == frames_needed(labels, labels[-1])
            checked += 1
    assert checked > 10


def test_without_a_space_a_text_is_one_word():
    model = word_model(2, ["ab", "abc"])
    guide = LanguageModel(model, [None, "a", "b", "c"], unit="word", **SETTINGS).as_guide()
    for text, labels in [("ab", (1, 2)), ("abc", (1, 2, 3)), ("ac", (1, 3)), ("", ())]:
        expected = plain_log_weight(model, text, unit="word", **SETTINGS)
        assert guided_log_weight(guide, labels) == pytest.approx(expected)


@pytest.mark.parametrize("unit", ["character", "word"])
def test_the_search_finds_the_best_of_all_labellings(unit):
    model = character_model(3) if unit == "character" else word_model(2)
    guide = LanguageModel(model, CHARACTERS, unit=unit, **SETTINGS)
    for seed in range(4):
        values_TK = np.log(np.random.default_rng(seed).dirichlet(np.full(5, 0.7), 5))
        fused = {
            labels: log_prob + plain_log_weight(model, text_of(labels), unit=unit, **SETTINGS)
            for labels, log_prob in all_labellings(values_TK).items()
        }
        expected = sorted(fused.items(), key=lambda item: -item[1])[:20]
        found = beam_search(values_TK, guide=guide, beam_width=5000, n_best=20)
        assert [hypothesis.labels for hypothesis in found] == [labels for labels, _ in expected]
        for hypothesis, (_, score) in zip(found, expected, strict=True):
            assert hypothesis.log_prob == pytest.approx(score, abs=1e-9)


def test_a_weight_of_zero_changes_nothing():
    values_NTK = np.log(np.random.default_rng(0).dirichlet(np.full(5, 0.7), (20, 12)))
    guide = LanguageModel(character_model(3), CHARACTERS, weight=0)
    for [found], [free] in zip(beam_search(values_NTK, guide=guide), beam_search(values_NTK), strict=True):
        assert found.labels == free.labels
        assert found.log_prob == pytest.approx(free.log_prob, abs=1e-9)


def test_classes_without_a_text_are_never_found():
    for model in (character_model(2), word_model(2)):
        guide = LanguageModel(model, [None, "a", None, "b", " "]).as_guide()
        assert guide.row(guide.start)[0][[0, 2]].tolist() == [-1, -1]


def test_clusters_of_several_code_points_are_characters():
    characters = [None, "a", "a\u0301", " "]
    letters = train_kneser_ney([["a", "a\u0301"], ["a\u0301"]], 2).model
    assert LanguageModel(letters, characters).unit == "character"
    words = train_kneser_ney([["aa\u0301", "a\u0301a"], ["a\u0301a"]], 2).model
    language = LanguageModel(words, characters, unknown_words=False)
    assert language.unit == "word"
    permitted = [n for n in itertools.product([1, 2], repeat=2) if guided_log_weight(language.as_guide(), n)]
    assert permitted == [(1, 2), (2, 1)]


def test_differences_between_the_model_and_the_alphabet_are_named_and_counted():
    letters = train_kneser_ney(["axyz", "a"], 2).model
    assert LanguageModel(letters, CHARACTERS).notices == (
        "3 of the 4 characters of the language model are not in the alphabet, so no text has them: "
        "'x' 'y' 'z'",
        "3 of the 4 characters of the alphabet are not in the language model and count as unknown: "
        "'b' ' ' 'c'",
    )
    words = train_kneser_ney([["ab", "äb", "tö", "b|"]], 2).model
    assert LanguageModel(words, CHARACTERS).notices == (
        "3 of the 4 words of the language model can't be written with the alphabet, which lacks "
        "'ä' 't' 'ö' '|'",
    )
    assert LanguageModel(character_model(2), CHARACTERS).notices == ()


def test_a_model_that_shares_nothing_with_the_alphabet_is_refused():
    with pytest.raises(UsageError, match="no character in common; the model has 'x' 'y'"):
        LanguageModel(train_kneser_ney(["xy"], 2).model, CHARACTERS)
    with pytest.raises(UsageError, match=r"none of the 1 words .* lacks 'x' 'y'"):
        LanguageModel(train_kneser_ney([["xy"]], 2).model, CHARACTERS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"weight": -1}, ValueError, "weight is -1; it must be a finite number of at least 0"),
        ({"weight": math.nan}, ValueError, "weight is nan; it must be a finite number"),
        ({"length_bonus": math.inf}, ValueError, "length_bonus is inf; it must be a finite number"),
        ({"length_bonus": -1e4}, UsageError, "length_bonus is -10000; it must be from -1000 to 1000"),
        ({"unknown_penalty": "1"}, TypeError, "unknown_penalty is '1'; it must be a number"),
        ({"unit": "letter"}, UsageError, "unit is 'letter'; it must be one of auto, character, word"),
        ({"unknown_words": False}, UsageError, "unknown_words=False is for models of words"),
    ],
)
def test_wrong_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        LanguageModel(character_model(2), CHARACTERS, **options)


def test_a_path_in_place_of_a_model_is_refused():
    with pytest.raises(TypeError, match=r"model is 'words.arpa'; it must be what read_ngram_model\(path\)"):
        LanguageModel("words.arpa", CHARACTERS)


def test_weights_beyond_the_bounds_of_guides_are_cut():
    model = NgramModel(
        ("a", "b"),
        (NgramLevel(*np.zeros((2, 2), np.int32), np.array([-1e9, -1.0]), np.zeros(2)),),
    )
    model = replace(model, levels=(model.levels[0]._replace(words_G=np.arange(2, dtype=np.int32)),))
    guide = LanguageModel(model, CHARACTERS, weight=1000).as_guide()
    assert guide.row(guide.start)[1][1] == -1e6


def test_models_are_pickled_and_language_models_are_made_from_them():
    model = word_model(2)
    with pytest.raises(TypeError, match="make one from the NgramModel, which can be pickled"):
        pickle.dumps(LanguageModel(model, CHARACTERS))
    first, second = (LanguageModel(one, CHARACTERS) for one in (model, pickle.loads(pickle.dumps(model))))
    for labels in itertools.product([1, 2, 3], repeat=3):
        weight = guided_log_weight(first.as_guide(), labels)
        assert guided_log_weight(second.as_guide(), labels) == weight


def test_a_model_of_words_is_refused_for_tokens_with_their_space():
    tokens = [None, "\u2581the", "\u2581c", "at", "t", "h", "e"]
    with pytest.raises(
        UsageError, match=r"tokens that begin with the space.*'▁the' '▁c'; use a model of these"
    ):
        LanguageModel(train_kneser_ney([["the"]], 1).model, tokens)
    model = LanguageModel(train_kneser_ney([["\u2581the", "\u2581c", "at"]], 2).model, tokens)
    assert model.unit == "character"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spell": 3}, "spell is 3; it must be a function"),
        ({"model": train_kneser_ney([["a"]], 1)}, "the `model` of what train_kneser_ney returns"),
    ],
)
def test_arguments_of_another_type(options, message):
    with pytest.raises(TypeError, match=message):
        LanguageModel(**{"model": word_model(1), "characters": CHARACTERS, **options})

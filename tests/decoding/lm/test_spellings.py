"""How the words of a model are written: in another order or case, and several alike."""

import pytest

from ctcbench import UsageError
from ctcbench.decoding.lm.arpa_reader import parse_arpa
from ctcbench.decoding.lm.kneser_ney import train_kneser_ney
from ctcbench.decoding.lm.language_model import LanguageModel
from tests.decoding.lm.plain_fusion import guided_log_weight, plain_log_weight

CHARACTERS = [None, *"ab c"]


def word_model(order, texts):
    return train_kneser_ney([text.split() for text in texts], order).model


def test_words_can_be_spelled_in_another_order():
    model = word_model(1, ["abc"])
    language = LanguageModel(model, CHARACTERS, unknown_words=False, spell=lambda word: word[::-1])
    assert guided_log_weight(language.as_guide(), (4, 2, 1)) is not None
    assert guided_log_weight(language.as_guide(), (1, 2, 4)) is None


@pytest.mark.parametrize("unit", ["auto", "character", "word"])
@pytest.mark.parametrize("text", ["ngram 1=0\n\n\\1-grams:\n", "ngram 1=1\n\n\\1-grams:\n-1\t</s>\n"])
def test_a_model_without_words_is_refused(text, unit):
    model = parse_arpa(f"\\data\\\n{text}\n\\end\\\n".encode(), "a test")
    with pytest.raises(UsageError, match=r"the language model has no words beside <s>, </s>, <unk>$"):
        LanguageModel(model, CHARACTERS, unit=unit)


def test_words_whose_text_is_empty_are_left_out():
    model = word_model(1, ["ab b -"])
    language = LanguageModel(model, CHARACTERS, spell=lambda word: word.strip("-"))
    [notice] = language.notices
    assert notice == "no text has 1 of the 3 words of the language model, because they are empty"
    assert guided_log_weight(language.as_guide(), (1, 2)) == pytest.approx(
        plain_log_weight(model, "ab", unit="word")
    )
    with pytest.raises(UsageError, match=r"none of the 3 words .* alphabet: all of them are empty"):
        LanguageModel(model, CHARACTERS, spell=lambda word: "")


@pytest.mark.parametrize("words", [["ab", "Ab", "aB"], ["Ab", "ab", "aB"], ["aB", "Ab", "ab"]])
def test_of_words_that_are_written_alike_the_most_probable_one_is_used(words):
    texts = [["Ab"], ["Ab", "ab"], ["aB", "Ab"], ["Ab"]]
    model = train_kneser_ney([words, *texts], 2).model
    language = LanguageModel(model, [None, "A", "B", " "], spell=str.upper)
    [notice] = language.notices
    assert notice.startswith("no text has 2 of the 3 words of the language model, because another one that")
    assert "'Ab'" not in notice
    for text, labels in [("Ab", (1, 2)), ("Ab Ab", (1, 2, 3, 1, 2)), ("b", (2,))]:
        expected = plain_log_weight(model, text, unit="word")
        assert guided_log_weight(language.as_guide(), labels) == pytest.approx(expected)


def test_of_equally_probable_words_that_are_written_alike_the_first_one_by_its_letters_is_used():
    for texts in ([["ab", "aB"], ["aB", "ab"]], [["aB", "ab"], ["ab", "aB"]]):
        language = LanguageModel(train_kneser_ney(texts, 1).model, [None, "A", "B"], spell=str.upper)
        assert language.notices[0].endswith("is written alike: 'ab'")


def test_words_in_the_other_case_name_the_remedy():
    model = word_model(1, ["ab", "b'a"])
    with pytest.raises(UsageError, match=r"lacks 'a' 'b'; in Python, LanguageModel\(…, spell=str.upper\)"):
        LanguageModel(model, [None, "A", "B", "'"], unit="word")
    assert LanguageModel(model, [None, "A", "B", "'"], spell=str.upper).notices == ()
    with pytest.raises(UsageError, match=r"which lacks 'a' 'b'$"):
        LanguageModel(model, [None, "A", "'"])

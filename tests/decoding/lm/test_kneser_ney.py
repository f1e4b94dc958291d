import itertools
import math

import numpy as np
import pytest

from ctcbench import UsageError
from ctcbench.decoding.lm.kneser_ney import FALLBACK, train_kneser_ney
from ctcbench.decoding.lm.ngram_model import END, START, UNKNOWN
from ctcbench.decoding.lm.ngram_reference import word_log_prob
from tests.decoding.lm.naive_kneser_ney import NaiveKneserNey


def random_corpus(seed, texts=60, letters="abcde"):
    generator = np.random.default_rng(seed)
    odds = generator.dirichlet(np.full(len(letters), 0.5))
    return ["".join(generator.choice(list(letters), generator.integers(0, 7), p=odds)) for _ in range(texts)]


@pytest.mark.parametrize(("seed", "order"), [(0, 1), (1, 2), (2, 3), (3, 4)])
def test_probabilities_equal_those_of_a_naive_implementation(seed, order):
    corpus = random_corpus(seed)
    found = train_kneser_ney(corpus, order, "abcdexy").model
    naive = NaiveKneserNey(corpus, order, "abcdexy")
    words = [*"abcdexy", END, UNKNOWN]
    contexts = [
        (START,),
        *itertools.product("abx", repeat=2),
        (START, "a"),
        ("a", "b", "a"),
        (START, "b", "a"),
    ]
    for context, word in itertools.product(contexts, words):
        expected = naive.prob(context, word)
        assert math.exp(word_log_prob(found, context, word)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_probabilities_after_each_context_sum_to_one(order):
    model = train_kneser_ney(random_corpus(4), order).model
    words = [word for word in model.words if word != START]
    contexts = [(), (START,), *itertools.product("abcde", repeat=2), (START, "e", "e", "a"), ("z", "a")]
    for context in contexts:
        total = math.fsum(math.exp(word_log_prob(model, context, word)) for word in words)
        assert total == pytest.approx(1, abs=1e-12)


def test_discounts_follow_from_the_counts_of_counts():
    # Unigrams with the counts 1 1 1 1, 2 2, 3, 4 and, for the end of the one text, 1.
    [discounts] = train_kneser_ney(["abcd" + "eeff" + "ggg" + "hhhh"], 1).discounts
    y = 5 / (5 + 2 * 2)
    assert discounts == pytest.approx((1 - 2 * y * 2 / 5, 2 - 3 * y * 1 / 2, 3 - 4 * y * 1 / 1, True))


def test_a_corpus_of_one_text_by_hand():
    # Bigrams <s>a, aa, a</s>: each occurs once. Unigrams: a follows <s> and a, </s> follows a.
    found = train_kneser_ney(["aa"], 2)
    assert [tuple(discounts) for discounts in found.discounts] == [(*FALLBACK, False)] * 2
    a = (2 - 1) / 3 + (1 + 0.5) / 3 / 3  # three words can follow: a, </s> and <unk>
    end = (1 - 0.5) / 3 + (1 + 0.5) / 3 / 3
    assert math.exp(word_log_prob(found.model, (), "a")) == pytest.approx(a)
    assert math.exp(word_log_prob(found.model, (), END)) == pytest.approx(end)
    assert math.exp(word_log_prob(found.model, ("a",), "a")) == pytest.approx(0.5 / 2 + 0.5 * a)
    assert math.exp(word_log_prob(found.model, (START,), "a")) == pytest.approx(0.5 + 0.5 * a)
    assert math.exp(word_log_prob(found.model, (START,), END)) == pytest.approx(0.5 * end)


def test_words_of_the_vocabulary_share_the_probability_of_unseen_words():
    model = train_kneser_ney(["ab"], 2, "abz").model
    unseen = word_log_prob(model, ("a",), "z")
    assert unseen == word_log_prob(model, ("a",), UNKNOWN)
    assert math.isfinite(unseen)


def test_an_empty_corpus_and_special_words_are_refused():
    with pytest.raises(UsageError, match="the corpus is empty"):
        train_kneser_ney([], 3)
    with pytest.raises(UsageError, match="texts are 'ab'; they must be a list of texts"):
        train_kneser_ney("ab", 3)
    with pytest.raises(UsageError, match="the word '<s>', which has a special meaning"):
        train_kneser_ney([["a", "<s>"]], 3)
    with pytest.raises(ValueError, match="order is 0"):
        train_kneser_ney(["a"], 0)


def test_texts_and_words_may_be_iterators():
    texts = [["a", "b"], ["b"], []]
    expected, found = train_kneser_ney(texts, 2).model, train_kneser_ney(map(iter, texts), 2).model
    assert found.words == expected.words
    for level, wanted in zip(found.levels, expected.levels, strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(level, wanted, strict=True))


def test_empty_texts_teach_that_a_text_can_end_at_once():
    model = train_kneser_ney(["", "", "a"], 3).model
    assert word_log_prob(model, (START,), END) > word_log_prob(model, (START,), "a")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "texts are None; they must be a list of texts"),
        ([["a"], 5], "text 2 of the corpus is 5; it must be a list of words"),
        ([["a", 1]], "has the word 1; it must be a string"),
        ([["a", ""], ["ab"]], "has an empty word; leave out empty words"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(texts, message):
    with pytest.raises(UsageError, match=message):
        train_kneser_ney(texts, 2)

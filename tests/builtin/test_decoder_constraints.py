"""The options of beam_cpp that limit the texts: what they allow, together too, and bad values of them."""

import itertools

import numpy as np
import pytest

from ctcbench.builtin import decoder_constraints
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import ComponentNotice, UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.decoding import beam_search
from ctcbench.registry.component_registry import Registry

ALPHABET = Alphabet("ab1")


@pytest.fixture
def read():
    rng = np.random.default_rng(0)
    logits_NTK = rng.normal(0, 2, (40, 8, 4)).astype(np.float32)
    values_NTK = logits_NTK - np.log(np.exp(logits_NTK).sum(-1, keepdims=True))
    return LogProbs(values_NTK, np.full(40, 8), ("",) * 40, ALPHABET)


def decode(registry: Registry, text, read):
    return [ALPHABET.decode(h.labels) for h in registry.build("decoder", text, read.alphabet)(read)]


def best_allowed(read, is_allowed):
    """Return the most probable allowed text of each image, from a beam that holds every text."""
    found = beam_search(read.values_NTK, read.lengths_N, beam_width=9_000, n_best=9_000)
    return [
        next(text for text in (ALPHABET.decode(h.labels) for h in hypotheses) if is_allowed(text))
        for hypotheses in found
    ]


CASES = {
    "length=3": lambda text: len(text) == 3,
    "length=2-3": lambda text: 2 <= len(text) <= 3,
    "characters=ab": lambda text: set(text) <= set("ab"),
    "characters=digits+[a]": None,
    "positions='ab,1,ab1'": lambda text: len(text) == 3 and text[0] != "1" and text[1] == "1",
    "pattern='[ab]{2}1*'": lambda text: text[:2].isalpha() and len(text) > 1 and not text[2:].strip("1"),
    "length=4,characters=a1": lambda text: len(text) == 4 and set(text) <= set("a1"),
    "length=4-,pattern='(a|b|1)*a',characters=a1": (
        lambda text: len(text) >= 4 and text[-1] == "a" and set(text) <= set("a1")
    ),
}


@pytest.mark.parametrize("options", [options for options, allowed in CASES.items() if allowed])
def test_the_best_allowed_text_is_found(registry, read, options):
    read = LogProbs(read.values_NTK[:4, :5], np.full(4, 5), ("",) * 4, ALPHABET)
    assert decode(registry, f"beam_cpp:width=2000,{options}", read) == best_allowed(read, CASES[options])


def test_a_lexicon(registry, read, tmp_path):
    words = tmp_path / "words.txt"
    words.write_bytes(b"\xef\xbb\xbfab1\r\nb\n\n1a1\nab1\n")
    found = decode(registry, f"beam_cpp:lexicon={words}", read)
    assert set(found) <= {"ab1", "b", "1a1"}
    assert len(set(found)) > 1
    assert set(decode(registry, f"beam_cpp:lexicon={words},length=3", read)) <= {"ab1", "1a1"}


def test_without_constraints_the_search_is_free(registry, read):
    free = [hypotheses[0] for hypotheses in beam_search(read.values_NTK, read.lengths_N, frames=False)]
    assert registry.build("decoder", "beam_cpp", ALPHABET)(read) == free


def test_alternatives_obey_the_constraint(registry, read):
    built = registry.build("decoder", "beam_cpp:length=3", ALPHABET)
    for hypotheses, best in zip(built.n_best(read, 5), built(read), strict=True):
        assert len(hypotheses) == 5
        assert all(len(hypothesis.labels) == 3 for hypothesis in hypotheses)
        assert hypotheses[0].labels == best.labels


def test_no_allowed_text_fits_into_the_frames(registry, read):
    built = registry.build("decoder", "beam_cpp:length=9", ALPHABET)
    message = (
        r"no text that its options permit is possible in the frames of some images \(40 of 40\): the "
        "shortest one needs 9 frames, with a blank between equal characters, and these images have at most "
        "8; their texts are empty, with log-probability -inf"
    )
    with pytest.warns(ComponentNotice, match=message):
        found = built(read)
    assert [h.labels for h in found] == [()] * 40
    assert all(h.log_prob == -np.inf for h in found)
    with pytest.warns(ComponentNotice, match=message):
        assert built.n_best(read, 3) == [[]] * 40
    with pytest.warns(ComponentNotice, match="needs 9 frames, with a blank"):
        registry.build("decoder", "beam_cpp:pattern=aaaaa", ALPHABET)(read)


def test_texts_that_fit_may_be_impossible_or_lost_by_the_beam(registry):
    probs_NTK = np.array([[[0.5, 0.5, 0.0]] * 4], np.float32)  # blank, a, b
    with np.errstate(divide="ignore"):
        read = LogProbs(np.log(probs_NTK), np.array([4]), ("",), Alphabet("ab"))
    built = registry.build("decoder", "beam_cpp:width=3,characters=b,length=2", Alphabet("ab"))
    message = r"\(1 of 1\): those that fit have probability zero, or the beam of width 3 lost them"
    with pytest.warns(ComponentNotice, match=message):
        assert built(read)[0].log_prob == -np.inf


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("length=x", "length=x: allowed are 5"),
        ("length=5-3", "length 5 to 3"),
        ("characters=xyz", "characters: the alphabet lacks 'x' 'y' 'z'; leave out what it lacks"),
        ("characters=[a-b]", r"\[a-b\]: the alphabet lacks '-'; leave .* a range is written range"),
        (
            "positions='[a-b],a'",
            r"\[a-b\]: the alphabet lacks '-'; leave out what it lacks \('-' stands for itself",
        ),
        ("characters=digts", "no set 'digts'; did you mean 'digits'"),
        ("characters=''", "alphabet is empty"),
        ("positions='a,x'", "position 2: the alphabet lacks 'x'"),
        ("pattern='[ab'", "not a regular expression"),
        ("pattern=", "pattern is empty"),
        ("pattern=[ab]{1,2}", r"expected option=value at '2}'; .* is put in quotes, and in .*:pattern='…'"),
        ("pattern=[abx]", "pattern .*: the alphabet lacks 'x'; leave out what it lacks"),
        ("pattern=aa,length=3", "the constraints together allow no text"),
        ("lexicon=missing.txt", "missing.txt: .*No such file"),
        ("unwritable_words=maybe", "allowed: .*error"),
        ("unwritable_words=skip", "unwritable_words=skip needs lexicon=FILE"),
    ],
)
def test_bad_values(registry, options, message):
    with pytest.raises(UsageError, match=f"^decoder .?beam_cpp.*{message}"):
        registry.build("decoder", f"beam_cpp:{options}", ALPHABET)


def test_words_outside_of_the_alphabet(registry, read, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("ab\nax\nb\u00e9\n", encoding="utf-8")
    message = "2 of 3 words .* lacks: 'x' 'é' .*unwritable_words=skip leaves such words out"
    with pytest.raises(UsageError, match=message):
        registry.build("decoder", f"beam_cpp:lexicon={words}", ALPHABET)
    assert set(decode(registry, f"beam_cpp:lexicon={words},unwritable_words=skip", read)) == {"ab"}


@pytest.mark.parametrize("content", ["", "\n\n"])
@pytest.mark.parametrize("unwritable", ["", ",unwritable_words=skip"])
def test_a_lexicon_without_words(registry, tmp_path, content, unwritable):
    words = tmp_path / "words.txt"
    words.write_text(content)
    with pytest.raises(
        UsageError, match=r"lexicon=\S*words.txt: the file has no word; it should have one a line$"
    ):
        registry.build("decoder", f"beam_cpp:lexicon={words}{unwritable}", ALPHABET)


def test_a_lexicon_that_is_not_utf8(registry, tmp_path):
    words = tmp_path / "words.txt"
    words.write_bytes(b"ab\n\xff\n")
    with pytest.raises(UsageError, match=r"lexicon=\S*words.txt, line 2: not UTF-8"):
        registry.build("decoder", f"beam_cpp:lexicon={words}", ALPHABET)


def test_a_lexicon_that_would_take_all_memory_is_refused(registry, tmp_path):
    words = tmp_path / "words.txt"
    with words.open("wb") as file:
        file.truncate(decoder_constraints.MOST_LEXICON_BYTES + 1)
    with pytest.raises(UsageError, match=r"the file has 67,108,865 bytes; at most 67,108,864 are supported"):
        registry.build("decoder", f"beam_cpp:lexicon={words}", ALPHABET)


def constraint(alphabet, **options):
    none = dict.fromkeys(("pattern", "length", "characters", "lexicon"))
    defaults = {**none, "positions": (), "unwritable_words": "error"}
    return decoder_constraints.build_constraint(alphabet, **defaults | options)


def test_no_option_is_no_constraint():
    assert constraint(ALPHABET) is None


def test_words_are_spelled_with_the_characters_of_the_alphabet(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("e\u0301a\n", encoding="utf-8")
    for alphabet in (Alphabet("éa"), Alphabet(("e", "\u0301", "a")), Alphabet(("e\u0301", "a", "q\u0303"))):
        accepted = constraint(alphabet, lexicon=str(words))
        labels = itertools.chain.from_iterable(itertools.product((1, 2, 3), repeat=n) for n in range(4))
        found = [alphabet.decode(one) for one in labels if max(one, default=0) < alphabet.num_classes
                 and accepted.accepts(one)]  # fmt: skip
        assert found in (["éa"], ["e\u0301a"])


def test_right_to_left_text(tmp_path):
    alphabet = Alphabet("אב12", "rtl")
    words = tmp_path / "words.txt"
    words.write_text("אב12\n", encoding="utf-8")
    accepted = constraint(alphabet, lexicon=str(words))
    assert accepted.accepts(alphabet.encode("אב12"))
    assert not accepted.accepts(alphabet.encode("אב21"))
    assert constraint(alphabet, length="3", characters="אב").accepts(alphabet.encode("אבא"))
    for options in ({"pattern": "א.*"}, {"positions": ("א",)}):
        with pytest.raises(UsageError, match="not for a recogniser of right-to-left text"):
            constraint(alphabet, **options)

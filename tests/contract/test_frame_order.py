"""The order of right-to-left texts along the frames: words, numbers, marks, and its inverse."""

from __future__ import annotations

import itertools

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.contract.frame_order import has_right_to_left_letters, reorder_right_to_left
from ctcbench.contract.specs import Alphabet


@pytest.mark.parametrize(
    ("logical", "along_frames"),
    [
        ("", ""),
        ("שלום עולם", "שלום עולם"),
        ("123", "321"),
        ("abc def", "fed cba"),
        ("שנת 1948 היא", "שנת 8491 היא"),
        ("מחיר 12.50 או 3,000", "מחיר 05.21 או 000,3"),  # W4: separators of a number belong to it
        ("12 34", "21 43"),  # two numbers, the first at the right
        ("5% הנחה", "%5 הנחה"),  # W5: a sign of per cent belongs to its number
        ("דגם iPhone 12 חדש", "דגם 21 enohPi חדש"),  # W7: a number after a Latin word belongs to it
        ("א-ב, ג.", "א-ב, ג."),
        ("سنة ١٩٤٨ م", "سنة ٨٤٩١ م"),
        ("ص 12-34", "ص 21-43"),  # W2, W4: after Arabic letters a hyphen separates two numbers
        ("א 12-34", "א 43-21"),
        ("خانه\u0654 12", "خانه\u0654 21"),
        ("ab\u0301c", "cb\u0301a"),  # a mark stays behind its letter
        ("\u0301א", "\u0301א"),
    ],
)
def test_words_and_numbers_run_from_left_to_right(logical, along_frames):
    assert reorder_right_to_left(logical) == along_frames
    assert reorder_right_to_left(along_frames) in (logical, "דגם 12 iPhone חדש")
    alphabet = Alphabet("".join(dict.fromkeys(logical)) or "a", "rtl")
    labels = alphabet.encode(logical)
    assert "".join(alphabet.characters[label - 1] for label in labels) == along_frames
    assert alphabet.path(labels) == along_frames
    assert alphabet.encode(alphabet.decode(labels)) == labels


@pytest.mark.parametrize(
    ("characters", "along_frames"),
    [
        (["\u05e9\u05c1", "\u05dc", "1", "2"], [0, 1, 3, 2]),
        # Of clusters whose parts are no combining marks for the rules: a vowel sign, a joiner, two flags.
        (["\u0634", "\u0915\u093f", "\u0924"], [0, 2, 1]),
        (["\u0647\u200d", "\u0645", "7"], [0, 1, 2]),
        (["a", "\U0001f1eb\U0001f1f7", "\U0001f1e9\U0001f1ea"], [2, 1, 0]),
    ],
)
def test_clusters_of_several_code_points_stay_together(characters, along_frames):
    alphabet, text = Alphabet(tuple(dict.fromkeys(characters)), "rtl"), "".join(characters)
    labels = alphabet.encode(text)
    assert [alphabet.characters[label - 1] for label in labels] == [characters[i] for i in along_frames]
    assert alphabet.frame_order(text) == [characters[i] for i in along_frames]
    assert alphabet.decode(labels) == text
    assert [alphabet.characters[labels[i] - 1] for i in alphabet.text_order(labels)] == characters


def test_the_inverse_holds_for_all_short_texts_but_of_mixed_digits():
    texts = ["".join(t) for n in range(5) for t in itertools.product("אעa1٢+,%! \u0301", repeat=n)]
    odd = [t for t in texts if not _is_stable(t)]
    # A Latin letter before a digit changes the class of it, which a picture does not show.
    assert len(odd) < len(texts) / 500
    assert all("a" in t and ("1" in t or "٢" in t) for t in odd)
    assert all(sorted(reorder_right_to_left(t)) == sorted(t) for t in texts)


def _is_stable(text):
    along_frames = reorder_right_to_left(text)
    return reorder_right_to_left(reorder_right_to_left(along_frames)) == along_frames


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("שלום", True), ("سلام 123", True), ("\u0648\u0654", True), ("ab אבג", True),
        ("abc א", True), ("123", False), ("", False), ("漢字", False), ("\u200f", False),
    ],
)  # fmt: skip
def test_right_to_left_letters_are_recognised(text, answer):
    assert has_right_to_left_letters(text) is answer


def test_a_direction_is_ltr_or_rtl():
    assert Alphabet("אב").encode("אב") == (1, 2)
    assert Alphabet("א1") != Alphabet("א1", "rtl")
    with pytest.raises(UsageError, match="direction=up: allowed are ltr, rtl"):
        Alphabet("a", "up")

"""Texts as an alphabet writes them, and as decoding returns them."""

import pytest

from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.files.spelling import returned_text, spell

ACUTE = "\u0301"


def test_a_text_is_written_with_the_characters_of_the_alphabet():
    assert spell("é", Alphabet("e" + ACUTE)) == "e" + ACUTE
    assert spell("e" + ACUTE, Alphabet("eé")) == "é"
    assert spell("e" + ACUTE, Alphabet(("e", "x" + ACUTE))) == "é"  # not possible: composed, and missing


def test_the_returned_text_is_that_of_the_labelling():
    assert returned_text("12", Alphabet("123")) == "12"
    hebrew = Alphabet("אבגab1", "rtl")
    assert returned_text("אב", hebrew) == "אב"
    with pytest.raises(UsageError, match="which alphabet"):
        returned_text("1x", Alphabet("123"))


def test_a_text_whose_order_a_picture_does_not_determine_is_refused():
    with pytest.raises(BadSample, match=r"its label '1b\.1' mixes scripts and digits"):
        returned_text("1b.1", Alphabet("אבab1.", "rtl"))

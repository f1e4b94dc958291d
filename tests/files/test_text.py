"""Normalisation of text for display."""

from __future__ import annotations

import json

import pytest

from ctcbench.files.text import (
    one_line,
    printable,
    printable_json,
    printable_lines,
    visible_outer_spaces,
    without_controls,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("one", "one"),
        ("  one\n\n two  \n", "one; two"),
        ("first:\n  second,\n  third\nfourth", "first: second, third; fourth"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
    ],
)
def test_lines_are_joined_and_control_characters_escaped(text, expected):
    assert one_line(text) == expected


def test_printable_text_is_unchanged():
    assert printable("Größe 12 µm – 漢字") == "Größe 12 µm – 漢字"
    assert printable("a\u202eb\n") == "a\\u202eb\\n"
    assert printable("a\ufe0f\u3164\U000e0101\u00a0b") == "a\\ufe0f\\u3164\\U000e0101\\xa0b"
    assert printable("e\u0301 \u0644\u0651") == "e\u0301 \u0644\u0651"
    assert printable_lines("a\x07\n\u2028b") == "a\\x07\n\\u2028b"


def test_only_controls_line_breaks_and_surrogates_of_exact_texts_are_escaped():
    exact = " a \u3000\xa0\u200c\u202e\u2800\ufe0f\ue000\U000e0101 漢 e\u0301 "
    assert without_controls(exact) == exact
    assert without_controls("\x1b\x00\t\r\n\x9b\x7f") == "\\x1b\\x00\\t\\r\\n\\x9b\\x7f"
    assert without_controls("a\u2028\u2029\x85\udc80") == "a\\u2028\\u2029\\x85\\udc80"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), (" ", "␣"), ("a b", "a b"), (" a  b c ", "␣a␣␣b c␣"), ("   a", "␣␣␣a"), ("a ", "a␣")],
)
def test_spaces_that_cannot_be_seen_are_marked(text, expected):
    assert visible_outer_spaces(text) == expected


def test_json_stays_the_same_document():
    document = {"a\u202e": ["\x9b31m", "\n", "\U000e0101", "漢 é", 0.5, None]}
    text = printable_json(document)
    assert json.loads(text) == document
    assert "漢 é" in text
    assert all(c.isprintable() or c == "\n" for c in text)

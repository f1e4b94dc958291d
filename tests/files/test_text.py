"""Normalisation of text for display."""

from __future__ import annotations

import pytest

from ctcbench.files.text import one_line, printable


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

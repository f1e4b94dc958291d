"""Mistakes: kinds and alignment."""

import pytest

from ctcbench.reporting import mistakes


@pytest.mark.parametrize(
    ("read", "target", "kind"),
    [
        ("ab", "ab", ""), ("", "ab", "empty"), ("aB", "ab", "case"), ("O1", "0l", "lookalike"),
        ("ax", "ab", "substitution"), ("abc", "ab", "insertion"), ("a", "ab", "deletion"),
        ("xa", "abc", "mixed"),
    ],
)  # fmt: skip
def test_kinds_of_mistakes(read, target, kind):
    assert mistakes.kind_of(read, target) == kind
    ours, theirs = mistakes.mark_differences(read, target)
    assert "".join(piece for piece, _ in ours) == target
    assert "".join(piece for piece, _ in theirs) == read

"""Confusions of characters, counted by edit operations."""

from ctcbench.reporting import mistakes
from ctcbench.reporting.formats.html import confusion_matrix
from tests.reporting.formats.html import html_cases as cases


def test_confusions_are_counted_by_edits(tmp_path):
    counts = mistakes.confusions([("1l", "11"), ("2", "22"), ("331", "33")])
    assert counts == {("1", "1"): 1, ("1", "l"): 1, ("2", "2"): 1, ("2", ""): 1, ("3", "3"): 2, ("", "1"): 1}
    characters = "".join(chr(0x4E00 + i) for i in range(100))
    read = cases.texts((characters[::-1], characters), ("", characters[0] * 3))
    matrix = confusion_matrix.confusion_matrix([cases.row(1, {}, [cases.member(tmp_path, read)])])
    assert len(matrix["characters"]) == confusion_matrix.MOST_CHARACTERS + 1
    assert matrix["left_out"] == 100 - confusion_matrix.MOST_CHARACTERS
    assert characters[0] in matrix["characters"]

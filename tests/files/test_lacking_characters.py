"""Counts of the characters that an alphabet lacks, and their list in messages."""

from ctcbench.contract.specs import Alphabet
from ctcbench.files.lacking_characters import count_lacking, list_occurrences


def test_occurrences_and_texts_are_counted():
    found, affected = count_lacking(["ab", "xax", "ya", "x"], Alphabet("ab"))
    assert (dict(found), affected) == ({"x": 3, "y": 1}, 3)
    assert list_occurrences(found) == "'x' (3 times) and 'y' (once)"


def test_of_clusters_code_points_are_counted():
    found, affected = count_lacking(["a\u0301b", "bb\u0301"], Alphabet(("a\u0301", "b")))
    assert (dict(found), affected) == ({"\u0301": 1}, 1)


def test_what_can_not_be_seen_alone_has_its_name():
    found = {" ": 2, "\u0301": 1, "\u200b": 1, "🙂": 1, "\x07": 1}
    listed = list_occurrences(found)
    assert listed.startswith(
        "U+0020 SPACE (twice), U+0007 a control character (once), U+0301 COMBINING ACUTE"
    )
    assert listed.endswith("U+200B ZERO WIDTH SPACE (once) and '🙂' (once)")


def test_of_many_the_most_frequent_are_named():
    found = {chr(0x4E00 + i): i + 1 for i in range(300)}
    assert list_occurrences(found).endswith("(291 times) and 290 more")
    assert list_occurrences(found).startswith(f"'{chr(0x4E00 + 299)}' (300 times), ")

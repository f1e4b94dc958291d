"""Notices on labels: what a user should know before training."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ctcbench.builtin.grapheme_clusters import Characters, clusters_of
from ctcbench.contract.frame_order import has_right_to_left_letters
from ctcbench.contract.specs import Alphabet, Direction
from ctcbench.files.lacking_characters import count_lacking, list_occurrences
from ctcbench.files.spelling import spell
from ctcbench.files.text import is_invisible, printable, quoted_character


@dataclass(frozen=True)
class Labels:
    """The labels of pictures, of which there may be millions.

    Attributes:
        count: the number of pictures.
        texts: returns the labels.
        name: returns the name of a picture in messages.
    """

    count: int
    texts: Callable[[], Iterable[str]]
    name: Callable[[int], str]


_UNKNOWN = ("Co", "Cn")  # for private use, or not assigned yet: a font may have glyphs for them
# Labels with a number that file names have and pictures do not, and what leaves it out.
_NUMBERED = (
    (
        re.compile(r"\d+[-_].+[-_]\d+"),
        (
            "have a number and a mark at both ends",
            "pattern='[0-9]+[-_](.+)[-_][0-9]+' leaves both out",
        ),
    ),
    (re.compile(r".+-\d+"), ("end with a hyphen and a number", "label=before-dash leaves it out")),
    (re.compile(r".+_\d+"), ("end with an underscore and a number", "label=before-underscore leaves it out")),
    (
        re.compile(r"\d+[-_].+"),
        ("begin with a number and a mark", "pattern='[0-9]+[-_](.+)' leaves it out"),
    ),
)
_NEARLY_ALL = 0.95
_COUNTER = re.compile(r"(\D*)(\d{1,18})")
_EXAMINED = 1000  # labels whose most frequent word before a number is that of all
_LEAST_COUNTED = 20  # labels; fewer may follow each other by chance
_MARKS = ("Mn", "Mc", "Me")  # categories of characters that combine with the one before
_MANY = 0.2  # share of the labels
_LISTED = 5  # kinds of invisible characters that the notice names


def invisible_notice(labels: Labels, characters: Characters = "points") -> str:
    """Return a notice of the invisible characters in labels; an empty text if there are none.

    Those within a grapheme cluster, such as the joiners of an emoji, are no characters where clusters are.
    """
    # The first file of each character, as an example that can be looked up.
    found: dict[str, int] = {}
    affected = 0
    for index, text in enumerate(labels.texts()):
        units = clusters_of(text) if characters == "clusters" else text
        invisible = [unit[0] for unit in units if all(map(_is_named, unit))]
        affected += bool(invisible)
        for character in invisible:
            found.setdefault(character, index)
    if not found:
        return ""
    listed = ", ".join(
        f"{quoted_character(c)} (as in {labels.name(found[c])})" for c in sorted(found)[:_LISTED]
    )
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return (
        f"{affected} of {labels.count} training labels have invisible characters: {listed}{more}. Each is a "
        f"class of the alphabet; if the pictures show no difference, remove them from the labels"
    )


def class_notices(labels: Labels, alphabet: Alphabet, characters: Characters) -> tuple[str, ...]:
    """Return the notices of labels that the alphabet or its kind of characters do not suit.

    Texts are empty where there is nothing to state.
    """
    return alphabet_notice(labels, alphabet), marks_notice(labels) if characters == "points" else ""


def edge_space_notice(splits: Iterable[Labels]) -> str:
    """Return a notice if labels of any split begin or end with a space, or an empty text."""
    affected, example = 0, ""
    for labels in splits:
        for index, text in enumerate(labels.texts()):
            if text != text.strip():
                example = example or labels.name(index)
                affected += 1
    if not affected:
        return ""
    those = "1 label begins or ends" if affected == 1 else f"{affected:,} labels begin or end"
    return (
        f"{those} with a space (as that of {printable(example)}), which is a character to be read like any "
        f"other; remove it from labels whose pictures do not show it"
    )


def marks_notice(labels: Labels) -> str:
    """Return a notice if combining marks are classes of their own in many labels, or an empty text."""
    affected, first = 0, 0
    for index, text in enumerate(labels.texts()):
        if not text.isascii() and any(unicodedata.category(c) in _MARKS for c in text):
            first = first if affected else index
            affected += 1
    if affected <= _MANY * labels.count:
        return ""
    return (
        f"{affected} of {labels.count} training labels have combining marks (as that of "
        f"{labels.name(first)}), each of which is a class of its own; characters=clusters makes one class of "
        f"a letter and its marks"
    )


def direction_notice(labels: Labels, direction: Direction) -> str:
    """Return a notice if labels do not run in `direction`; an empty text if they do."""
    right_to_left = [at for at, text in enumerate(labels.texts()) if has_right_to_left_letters(text)]
    if direction == "ltr" and right_to_left:
        # No error, because labels in the order of the picture are right as they are.
        return (
            f"{len(right_to_left)} of {labels.count} training labels have right-to-left letters (as that "
            f"of {labels.name(right_to_left[0])}), but pictures are read from left to right, which labels in "
            f"logical order do not fit: direction=rtl reads from right to left. Editors store text in "
            f"logical order; labels in the order of the picture, the leftmost character first, need "
            f"direction=ltr"
        )
    if direction == "rtl" and not right_to_left:
        return "direction=rtl, but no training label has right-to-left letters"
    return ""


def alphabet_notice(labels: Labels, alphabet: Alphabet) -> str:
    """Return a notice of the characters of labels that the alphabet lacks, or an empty text."""
    found, affected = count_lacking((spell(text, alphabet) for text in labels.texts()), alphabet)
    if not affected:
        return ""
    return (
        f"the alphabet lacks {list_occurrences(found)}, which {affected} of {labels.count} training labels "
        f"have; alphabet=auto has all characters of the training labels"
    )


def number_notice(labels: Labels) -> str:
    """Return a notice if nearly all labels have a number at one end that is rarely a part of the text.

    Such names are ``K8UC2-0.png`` and ``0017_K8UC2.png``; ``IMG_0017.png`` and ``0017.png`` have no text.
    """
    if counters := _counter_notice(labels):
        return counters
    for pattern, advice in _NUMBERED:
        found, first = 0, (0, "")
        for index, text in enumerate(labels.texts()):
            if pattern.fullmatch(text):
                first = first if found else (index, text)
                found += 1
        if found >= _NEARLY_ALL * labels.count > 0:
            return (
                f"{found} of {labels.count} labels {advice[0]}, as {first[1]!r} does "
                f"({labels.name(first[0])}). "
                f"If the pictures do not show it, {advice[1]}; label=stem takes the names as they are"
            )
    return ""


def _counter_notice(labels: Labels) -> str:
    """Return a notice if nearly all labels are names that a camera, a scanner or a program counts."""
    found = filter(None, map(_COUNTER.fullmatch, itertools.islice(labels.texts(), _EXAMINED)))
    words = Counter(match[1] for match in found).most_common(1)
    if labels.count < _LEAST_COUNTED or not words:
        return ""
    word = words[0][0]

    def numbers() -> Iterator[int]:
        # Read anew each time: a set may have millions of labels.
        for text in labels.texts():
            if (match := _COUNTER.fullmatch(text)) and match[1] == word:
                yield int(match[2])

    count, least, greatest = 0, 10**18, 0
    for number in numbers():
        count, least, greatest = count + 1, min(least, number), max(greatest, number)
    # Readings of a meter are numbers as well, but do not follow each other without gaps.
    seen = bytearray(greatest - least + 1 if greatest - least < 2 * count else 0)
    for number in numbers() if seen else ():
        seen[number - least] = 1
    in_sequence = sum(seen) >= _NEARLY_ALL * max(len(seen), count)
    if count < _NEARLY_ALL * labels.count or not (in_sequence or sum(map(str.isalpha, word)) >= 2):
        return ""
    what = f"{word!r} and a number" if word else f"the numbers from {least} to {greatest}"
    return (
        f"{count} of {labels.count} labels are {what}, as a camera or a program names files. If the "
        f"pictures show other texts, list=FILE names a list of them; label=stem takes the names as they are"
    )


def _is_named(character: str) -> bool:
    return is_invisible(character) and unicodedata.category(character) not in _UNKNOWN

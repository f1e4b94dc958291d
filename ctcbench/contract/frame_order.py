"""The order of a right-to-left text along the frames, by the Unicode Bidirectional Algorithm (UAX 9)."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

# Bidirectional classes as one letter each, so that the rules are regular expressions: L and R are strong, r
# is an Arabic letter, 1 a European and 2 an Arabic digit, + , % separate and end numbers, m is a mark.
_LETTERS = {"L": "L", "R": "R", "AL": "r", "EN": "1", "AN": "2", "ES": "+", "CS": ",", "ET": "%", "NSM": "m"}
_NEUTRAL = " "


def reorder_right_to_left(text: str) -> str:
    """Return a text in logical order as its characters follow each other from right to left, or the inverse.

    In a line of right-to-left text, numbers and words of left-to-right scripts still run from left to right.
    So each of them is reversed here, with combining marks behind their letters. The rules are W1 to W7, N1,
    N2 and L2 of UAX 9 for one line whose paragraph is right-to-left, without explicit directions and without
    the pairs of brackets of N0.

    The picture does not determine the logical order in every case: ``12 abc`` and ``abc 12`` look the same
    between right-to-left words. The function returns one of these for the order of the picture.
    """
    return "".join(text[index] for index in right_to_left_order(text))


def right_to_left_order(characters: Sequence[str]) -> list[int]:
    """Return the indices of the characters of a text in the order of `reorder_right_to_left`.

    Args:
        characters: the text, or its characters, where some consist of several code points, which stay in
            their order.
    """
    kinds = _resolve("".join(characters))
    starts = itertools.accumulate(map(len, characters[:-1]), initial=0) if characters else ()
    left_to_right = [kinds[start] in "L12" for start in starts]
    order: list[int] = []
    for reverse, run in itertools.groupby(range(len(characters)), key=left_to_right.__getitem__):
        clusters = _clusters(characters, run)
        order.extend(itertools.chain.from_iterable(reversed(clusters) if reverse else clusters))
    return order


def has_right_to_left_letters(text: str) -> bool:
    """Return whether a letter of a text runs from right to left: its bidirectional class is R or AL."""
    # The invisible marks of these classes are format characters (Cf), which occur in other text too.
    return any(unicodedata.bidirectional(c) in ("R", "AL") and unicodedata.category(c) != "Cf" for c in text)


def _resolve(text: str) -> str:
    """Return the resolved class of each character: L, a digit (1 or 2), or R."""
    kinds = "".join(_LETTERS.get(unicodedata.bidirectional(c) or "L", _NEUTRAL) for c in text)
    # Each rule keeps the length. The text before the line counts as R, the direction of the paragraph.
    kinds = re.sub(r"(^|[^m])(m+)", lambda m: m[1] + (m[1] or "R") * len(m[2]), kinds)  # W1
    kinds = re.sub(r"r[^LR]*", lambda m: m[0].replace("1", "2"), kinds).replace("r", "R")  # W2, W3
    kinds = re.sub(r"(?<=1)[+,](?=1)", "1", re.sub(r"(?<=2),(?=2)", "2", kinds))  # W4
    kinds = re.sub(r"%+(?=1)|(?<=1)%+", lambda m: "1" * len(m[0]), kinds)  # W5
    kinds = re.sub(r"[+,%]", _NEUTRAL, kinds)  # W6
    kinds = re.sub(r"L[^R]*", lambda m: m[0].replace("1", "L"), kinds)  # W7
    return re.sub(r"(?<=L) +(?=L)", lambda m: "L" * len(m[0]), kinds).replace(_NEUTRAL, "R")  # N1, N2


def _clusters(characters: Sequence[str], indices: Iterable[int]) -> list[list[int]]:
    """Return indices of characters, each with those of the combining marks that follow it."""
    clusters: list[list[int]] = []
    for index in indices:
        if clusters and unicodedata.bidirectional(characters[index][0]) == "NSM":
            clusters[-1].append(index)
        else:
            clusters.append([index])
    return clusters

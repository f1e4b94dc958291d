"""Mistakes: predictions aligned with their targets by edit operations, classified, and marked for display."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain

from rapidfuzz.distance import Levenshtein

from ctcbench.evaluation.metrics import fold
from ctcbench.evaluation.text_alignment import align, character_pairs

KINDS = {
    "empty": "empty output",
    "case": "case only",
    "lookalike": "look-alikes only",
    "substitution": "wrong characters",
    "insertion": "extra characters",
    "deletion": "missing characters",
    "mixed": "several kinds",
}


def kind_of(prediction: str, target: str) -> str:
    """Return which of `KINDS` the mistake is, or "" if the texts are equal."""
    if prediction == target:
        return ""
    if not prediction:
        return "empty"
    # Before the look-alikes, which include pairs of cases: cC is a mistake of case.
    if prediction.casefold() == target.casefold():
        return "case"
    if fold(prediction) == fold(target):
        return "lookalike"
    kinds = {operation.tag for operation in Levenshtein.editops(target, prediction)}
    names = {"replace": "substitution", "insert": "insertion", "delete": "deletion"}
    # A text with several edits of one kind is of that kind.
    return names[kinds.pop()] if len(kinds) == 1 else "mixed"


def confusions(pairs: Iterable[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Return the number of times that each target character was read as each other one.

    `pairs` are (prediction, target). Keys are (target, read); `text_alignment.NOTHING` as target is an extra
    character, as read a missing one.
    """
    # Counted in one pass: an update per alignment would take three times as long.
    return Counter(chain.from_iterable(character_pairs(*pair) for pair in pairs))


def mark_differences(prediction: str, target: str) -> tuple[list[list[str]], list[list[str]]]:
    """Return target and prediction as pieces ``[text, tag]``; the tag is "" where they agree.

    Other tags are ``replace``, ``delete`` (in the target only) and ``insert`` (in the prediction only).
    """
    pieces = [("" if tag == "equal" else tag, *parts) for tag, *parts in align(prediction, target)]
    return [[ours, tag] for tag, ours, _ in pieces if ours], [
        [theirs, tag] for tag, _, theirs in pieces if theirs
    ]

"""Mistakes: predictions aligned with their targets by edit operations, classified, and marked for display."""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from ctcbench.evaluation.metrics import fold
from ctcbench.evaluation.text_alignment import align

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


def mark_differences(prediction: str, target: str) -> tuple[list[list[str]], list[list[str]]]:
    """Return target and prediction as pieces ``[text, tag]``; the tag is "" where they agree.

    Other tags are ``replace``, ``delete`` (in the target only) and ``insert`` (in the prediction only).
    """
    pieces = [("" if tag == "equal" else tag, *parts) for tag, *parts in align(prediction, target)]
    return [[ours, tag] for tag, ours, _ in pieces if ours], [
        [theirs, tag] for tag, _, theirs in pieces if theirs
    ]

"""Mistakes: a prediction aligned with its target by edit operations, what kind it is, and how it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from rapidfuzz.distance import Levenshtein

from ctcbench.evaluation.metrics import fold

NOTHING = ""  # what a missing character was read as, and what an extra one stands for
KINDS = {
    "empty": "nothing read",
    "case": "case alone",
    "lookalike": "look-alikes alone",
    "substitution": "wrong characters",
    "insertion": "extra characters",
    "deletion": "missing characters",
    "mixed": "several kinds",
}


def kind_of(prediction: str, target: str) -> str:
    """Return which of `KINDS` the mistake is, or "" where there is none."""
    if prediction == target:
        return ""
    if not prediction:
        return "empty"
    if prediction.casefold() == target.casefold():
        return "case"
    if fold(prediction) == fold(target):
        return "lookalike"
    kinds = {operation.tag for operation in Levenshtein.editops(target, prediction)}
    names = {"replace": "substitution", "insert": "insertion", "delete": "deletion"}
    return names[kinds.pop()] if len(kinds) == 1 else "mixed"


def confusions(pairs: Iterable[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Return how often each target character was read as each other, of pairs (prediction, target).

    Keys are (target, read); `NOTHING` as target is a character too many, as read a missing one. The
    alignment is the one that `rapidfuzz` chooses among those of the fewest edits.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for prediction, target in pairs:
        for tag, ours, theirs in _aligned(prediction, target):
            if tag == "delete":
                counts.update((character, NOTHING) for character in ours)
            elif tag == "insert":
                counts.update((NOTHING, character) for character in theirs)
            else:
                counts.update(zip(ours, theirs, strict=True))
    return counts


def marked(prediction: str, target: str) -> tuple[list[list[str]], list[list[str]]]:
    """Return target and prediction in pieces ``[text, tag]``; the tag is "" where they agree.

    Tags are ``replace``, ``delete`` (only the target has it) and ``insert`` (only the prediction has).
    """
    pieces = [("" if tag == "equal" else tag, *parts) for tag, *parts in _aligned(prediction, target)]
    return [[ours, tag] for tag, ours, _ in pieces if ours], [
        [theirs, tag] for tag, _, theirs in pieces if theirs
    ]


def _aligned(prediction: str, target: str) -> Iterator[tuple[str, str, str]]:
    """Give the pieces of an alignment: its tag, what the target has there, what the prediction has."""
    for block in Levenshtein.opcodes(target, prediction):
        ours = target[block.src_start : block.src_end]
        yield block.tag, ours, prediction[block.dest_start : block.dest_end]

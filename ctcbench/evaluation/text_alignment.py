"""Alignment of a decoded text with its target by edit operations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from rapidfuzz.distance import Levenshtein

NOTHING = ""  # stands for what a missing character was read as, and for the target of an extra one


def align(prediction: str, target: str) -> Iterator[tuple[str, str, str]]:
    """Yield the pieces of an alignment: tag, text of the target, text of the prediction.

    The tag is ``equal``, ``replace``, ``delete`` (in the target only) or ``insert`` (in the prediction only).
    The alignment is the one that `rapidfuzz` chooses among those with the fewest edits.
    """
    if prediction == target:  # of most texts: the search for an alignment would take most of the time
        if target:
            yield "equal", target, prediction
        return
    for block in Levenshtein.opcodes(target, prediction):
        ours = target[block.src_start : block.src_end]
        yield block.tag, ours, prediction[block.dest_start : block.dest_end]


def character_pairs(prediction: str, target: str) -> Iterator[tuple[str, str]]:
    """Yield (target character, character read) in order, `NOTHING` for an extra or a missing one."""
    for tag, ours, theirs in align(prediction, target):
        if tag == "delete":
            # Opcodes join adjacent edits into blocks of several characters.
            yield from zip(ours, repeat(NOTHING), strict=False)
        elif tag == "insert":
            yield from zip(repeat(NOTHING), theirs, strict=False)
        else:
            yield from zip(ours, theirs, strict=True)

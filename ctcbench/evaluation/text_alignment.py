"""Alignment of a decoded text with its target by edit operations, and the confusions that follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

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


def confusions(pairs: Iterable[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Return the number of times that each target character was read as each other one.

    `pairs` are (prediction, target). Keys are (target, read); `NOTHING` as target is an extra
    character, as read a missing one.
    """
    # Counted in one pass: an update per alignment would take three times as long.
    return Counter(chain.from_iterable(character_pairs(*pair) for pair in pairs))


def frequent_confusions(pairs: Iterable[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    """Return the `confusions` of different characters, most frequent first, and those of one count sorted."""
    found = [(pair, count) for pair, count in confusions(pairs).items() if pair[0] != pair[1]]
    return sorted(found, key=lambda confusion: (-confusion[1], confusion[0]))

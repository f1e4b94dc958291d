"""Accuracy by text length, by position in the text and by character."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ctcbench.evaluation.confidence_intervals import wilson
from ctcbench.evaluation.seed_statistics import Interval
from ctcbench.evaluation.text_alignment import NOTHING, character_pairs

MOST_GROUPS = 24  # of lengths and of positions; more are joined to ranges


@dataclass(frozen=True)
class GroupAccuracy:
    """The ``count`` texts or characters of a group, and how many of them are ``right``."""

    name: str
    count: int
    right: int

    @property
    def accuracy(self) -> float:
        """Share of the group that is right."""
        return self.right / self.count

    def interval(self, repeats: int = 1) -> Interval:
        """Return Wilson's 95 % interval; each text is in the group `repeats` times, of different models."""
        # Models find the same images hard, so that a text read by several models counts once.
        n = max(1, round(self.count / repeats))
        return wilson(round(self.accuracy * n), n)


@dataclass(frozen=True)
class Breakdown:
    """Accuracies by group; groups that no text belongs to are left out.

    Attributes:
        lengths: exact accuracy by characters of the target, ``4`` or a range ``5–8``, in ascending order.
        positions: share of the characters that are right by position in the target, counted from 1.
        characters: share of the occurrences of each target character that are right, in code point order.
    """

    lengths: tuple[GroupAccuracy, ...]
    positions: tuple[GroupAccuracy, ...]
    characters: tuple[GroupAccuracy, ...]


def break_down(pairs: Iterable[tuple[str, str]]) -> Breakdown:
    """Return the accuracies of the texts `pairs`, (prediction, target).

    A character of a target is right if an alignment with the fewest edits pairs it with the same character:
    unlike in `metrics.char_accuracy`, a missing character does not make those after it wrong.
    """
    lengths: Counter[tuple[int, bool]] = Counter()
    positions: Counter[tuple[int, bool]] = Counter()
    characters: Counter[tuple[str, bool]] = Counter()
    # Texts repeat: over seeds, and in data sets with few classes.
    for (prediction, target), times in Counter(pairs).items():
        lengths[len(target), prediction == target] += times
        position = 0
        for character, read in character_pairs(prediction, target):
            if character == NOTHING:
                continue  # an extra character has no place in the target
            position += 1
            positions[position, character == read] += times
            characters[character, character == read] += times
    return Breakdown(
        _ranges(lengths),
        _ranges(positions),
        tuple(
            GroupAccuracy(name, characters[name, True] + characters[name, False], characters[name, True])
            for name in sorted({name for name, _ in characters})
        ),
    )


def _ranges(counts: Counter[tuple[int, bool]]) -> tuple[GroupAccuracy, ...]:
    """Return the groups of the numbers, or of at most `MOST_GROUPS` ranges of them of equal width."""
    numbers = sorted({number for number, _ in counts})
    if not numbers:
        return ()
    first, last = numbers[0], numbers[-1]
    width = -(-(last - first + 1) // MOST_GROUPS)
    found = []
    for low in range(first, last + 1, width):
        high = min(low + width - 1, last)
        right = sum(counts[number, True] for number in range(low, high + 1))
        count = right + sum(counts[number, False] for number in range(low, high + 1))
        if count:
            found.append(GroupAccuracy(str(low) if low == high else f"{low}–{high}", count, right))
    return tuple(found)

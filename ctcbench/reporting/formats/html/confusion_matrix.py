"""The confusion matrix of characters: a sparse matrix for each row, over its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ctcbench.evaluation.text_alignment import NOTHING, confusions
from ctcbench.reporting.report_model import Row

MOST_CHARACTERS = 64
MOST_IMAGES = 20_000  # per row; more would not change which characters are confused most


def confusion_matrix(rows: Sequence[Row]) -> dict[str, Any]:
    """Return ``{"characters", "axes", "left_out", "cells", "images"}``.

    ``characters`` are those of all axes, with `NOTHING` last. ``axes`` has the axis of each row by its
    number, and under 0 that of all rows together: indices into ``characters``. It has the characters that
    occur in the row; if there are more than `MOST_CHARACTERS`, those most often misread in all rows, and
    ``left_out`` is the number of the others. ``cells`` has ``[target, read, count]`` by row number, with
    indices into ``characters``; ``images`` the number of texts of all runs of a row.
    """
    counts = {row.number: _of(row) for row in rows}
    together: Counter[tuple[str, str]] = Counter()
    for counter, _ in counts.values():
        together.update(counter)
    # By the errors of all rows: rows of one alphabet have the same axis, and can be compared. Rows of
    # another one have the characters of their own, and not an axis that is empty for them.
    errors = _errors(together)
    axes = {0: _axis(errors, together)}
    axes |= {number: _axis(errors, counter) for number, (counter, _) in counts.items()}
    characters = sorted({character for axis, _ in axes.values() for character in axis}, key=_alphabet_order)
    place = {character: index for index, character in enumerate([*characters, NOTHING])}
    return {
        "characters": [*characters, NOTHING],
        "axes": {number: [place[c] for c in (*axis, NOTHING)] for number, (axis, _) in axes.items()},
        "left_out": {number: left_out for number, (_, left_out) in axes.items()},
        "images": {number: images for number, (_, images) in counts.items()},
        "cells": {
            number: [
                [place[target], place[read], count]
                for (target, read), count in sorted(counter.items())
                # A pair with a character that is left out would have no cell.
                if {target, read} <= {*axes[number][0], NOTHING}
            ]
            for number, (counter, _) in counts.items()
        },
    }


def _of(row: Row) -> tuple[Counter[tuple[str, str]], int]:
    pairs: list[tuple[str, str]] = []
    for member in row.members:
        # Whole runs are added, and the last one is cut below.
        if member.predictions is not None and len(pairs) < MOST_IMAGES:
            pairs += zip(member.predictions.texts, member.predictions.targets, strict=True)
    return confusions(pairs[:MOST_IMAGES]), min(len(pairs), MOST_IMAGES)


def _errors(counts: Counter[tuple[str, str]]) -> Counter[str]:
    """Return how often each character is misread, or read in place of another."""
    errors: Counter[str] = Counter()
    for (target, read), count in counts.items():
        for character in {target, read} - {NOTHING}:
            errors[character] += count if target != read else 0
    return errors


def _axis(errors: Counter[str], counts: Counter[tuple[str, str]]) -> tuple[list[str], int]:
    """Return the characters of the axis in order, and the number of those left out."""
    occurring = {character for pair in counts for character in pair} - {NOTHING}
    # By errors, not by frequency: a character that is always read correctly needs no row. Ties in order of
    # the characters.
    kept = sorted(occurring, key=lambda character: (-errors[character], character))[:MOST_CHARACTERS]
    return sorted(kept, key=_alphabet_order), len(occurring) - len(kept)


def _alphabet_order(character: str) -> tuple[int, str, str]:
    """Return a sort key: digits, then letters with both cases side by side, then all others."""
    group = 0 if character.isdigit() else 1 if character.isalpha() else 2
    return group, character.casefold(), character

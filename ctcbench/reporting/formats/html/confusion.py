"""The confusion of characters: a sparse matrix a row of the report, over its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ctcbench.reporting.formats.html.mistakes import NOTHING, confusions
from ctcbench.reporting.report_model import Row

MOST_CHARACTERS = 64
MOST_IMAGES = 20_000  # of a row: as many as settle which characters are confused


def confusion(rows: Sequence[Row]) -> dict[str, Any]:
    """Return ``{"characters", "left_out", "cells", "images"}``.

    ``characters`` has the axis, `NOTHING` last; of more than `MOST_CHARACTERS` those most often
    misread, ``left_out`` says how many others there are. ``cells`` has by row number
    ``[target, read, count]`` with indices into ``characters``, ``images`` how many images were
    looked at, all runs of a row taken together.
    """
    counts = {row.number: _of(row) for row in rows}
    together: Counter[tuple[str, str]] = Counter()
    for counter in counts.values():
        together.update(counter[0])
    characters, left_out = _axis(together)
    place = {character: index for index, character in enumerate([*characters, NOTHING])}
    return {
        "characters": [*characters, NOTHING],
        "left_out": left_out,
        "images": {number: images for number, (_, images) in counts.items()},
        "cells": {
            number: [
                [place[target], place[read], count]
                for (target, read), count in sorted(counter.items())
                if target in place and read in place
            ]
            for number, (counter, _) in counts.items()
        },
    }


def _of(row: Row) -> tuple[Counter[tuple[str, str]], int]:
    pairs: list[tuple[str, str]] = []
    for member in row.members:
        if member.predictions is not None and len(pairs) < MOST_IMAGES:
            pairs += zip(member.predictions.texts, member.predictions.targets, strict=True)
    return confusions(pairs[:MOST_IMAGES]), min(len(pairs), MOST_IMAGES)


def _axis(counts: Counter[tuple[str, str]]) -> tuple[list[str], int]:
    """Return the characters of the axis in order, and how many have no place on it."""
    errors: Counter[str] = Counter()
    for (target, read), count in counts.items():
        for character in {target, read} - {NOTHING}:
            errors[character] += count if target != read else 0
    kept = sorted(errors, key=lambda character: (-errors[character], character))[:MOST_CHARACTERS]
    return sorted(kept, key=_like_an_alphabet), len(errors) - len(kept)


def _like_an_alphabet(character: str) -> tuple[int, str, str]:
    """Digits first, then letters with both cases of each side by side, then the rest."""
    group = 0 if character.isdigit() else 1 if character.isalpha() else 2
    return group, character.casefold(), character

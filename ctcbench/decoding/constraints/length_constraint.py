"""Constraints on the number of characters of a text."""

from __future__ import annotations

import re

import numpy as np

from ..scalars import shown
from ..user_errors import InputError
from .automaton import Automaton
from .class_characters import ClassCharacters, labels_of_characters
from .trimming import require_size

LONGEST = 10_000  # characters


def length_automaton(characters: ClassCharacters, least: int = 0, most: int | None = None) -> Automaton:
    """Return the automaton of all labellings of `least` to `most` labels; without `most`, of any more.

    Raises:
        InputError: a limit is no whole number, negative or above 10,000, the first one is the larger one, the
            automaton would be too large, or `characters` has an error.
    """
    limits = [least] if most is None else [least, most]
    if wrong := [one for one in limits if isinstance(one, bool) or not isinstance(one, int | np.integer)]:
        raise InputError(f"length {shown(wrong[0])}: it must be a whole number")
    name = f"length {least} to {'any' if most is None else most}"
    if min(least, most or 0) < 0 or max(least, most or 0) > LONGEST:
        raise InputError(f"{name}: allowed are 0 to {LONGEST:,} characters")
    if most is not None and most < least:
        raise InputError(f"{name}: the first number must not be the larger one")
    labels = labels_of_characters(characters)
    # State s is reached after s labels; without an upper limit the last one has edges to itself.
    last = least if most is None else most
    num_from = last + (most is None)
    require_size(name, last + 1, num_from * len(labels))
    offsets = np.minimum(np.arange(last + 2), num_from) * len(labels)
    targets = np.minimum(np.arange(1, num_from + 1), last)
    return Automaton(
        len(characters),
        0,
        np.arange(last + 1) >= least,
        offsets.astype(np.int64),
        np.tile(labels, num_from),
        np.repeat(targets, len(labels)).astype(np.int32),
    )


def parse_length(text: str) -> tuple[int, int | None]:
    """Return the least and the greatest length that ``5``, ``4-8``, ``4-`` or ``-8`` describes.

    Raises:
        InputError: the text has another form.
    """
    found = re.fullmatch(r"\s*([0-9]{0,6})\s*(-?)\s*([0-9]{0,6})\s*", text)
    if not found or not (found[1] or found[3]) or (found[3] and not found[2]):
        raise InputError(
            f"length={text}: allowed are 5 (exactly), 4-8, 4- (at least) and -8 (at most), up to six digits"
        )
    least = int(found[1] or 0)
    if not found[2]:
        return least, least
    return least, int(found[3]) if found[3] else None

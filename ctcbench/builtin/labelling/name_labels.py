"""Labels from file names: the stem (the name without its suffix) or a part of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from ctcbench.contract.errors import BadSample, UsageError

OfStem = Callable[[str], str]  # raises BadSample


def before(mark: str) -> OfStem:
    """Return the function that returns the part of a stem before the last `mark`."""

    def of_stem(stem: str) -> str:
        # At the last mark, because labels have marks more often than the numbers behind them do.
        text, found, _ = stem.rpartition(mark)
        if not found:
            raise BadSample(f"its name has no {mark!r} to end the label")
        return text

    return of_stem


def by_pattern(pattern: str) -> OfStem:
    """Return the function that returns the match of a pattern's group in a stem.

    Raises:
        UsageError: it is not a regular expression with one group, or one named label.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"dataset folder: pattern={pattern}: not a regular expression ({error})") from None
    group: str | int = "label" if "label" in compiled.groupindex else 1
    if group == 1 and compiled.groups != 1:
        raise UsageError(
            f"dataset folder: pattern={pattern}: has {compiled.groups} groups; "
            f"it needs one, or one named label: (?P<label>…)"
        )

    def of_stem(stem: str) -> str:
        found = compiled.search(stem)
        if found is None:
            raise BadSample(f"the pattern {pattern!r} is not found in its name")
        return found[group] or ""

    return of_stem

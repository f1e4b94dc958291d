"""RejectedSample: a sample that can't be used, how messages list several, and the error if none is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ctcbench.contract.errors import UsageError
from ctcbench.files.text import printable

_LISTED = 10
_FOREIGN = ", which the alphabet lacks"  # the end of a reason


class NoValidSampleError(UsageError):
    """None of the samples that were asked for can be used."""


class RejectedSample(NamedTuple):
    """A sample that can't be used: its number, its name for error messages, and the reason."""

    number: int
    name: str
    reason: str

    @property
    def is_foreign(self) -> bool:
        """Whether the alphabet lacks characters of its text."""
        return self.reason.endswith(_FOREIGN)


def rejected_message(
    dataset: str, split: str, count: int, rejected: Sequence[RejectedSample], *, skipped: bool
) -> str:
    """Return the message of the samples that can't be used, of `count` samples of a split.

    Args:
        dataset: component string of the data set.
        split: name of the split.
        count: number of its samples that were tried.
        rejected: those that can't be used.
        skipped: whether they are left out; else the message is an error's, and names the flag for it
            unless no sample would be left.
    """
    verdict = "left out" if skipped else "can't be used"
    remedy = "" if skipped or len(rejected) == count else "\n--skip-bad leaves such samples out"
    counted = f"{len(rejected)} of {count} samples of {split!r}"
    return f"dataset {dataset}: {counted} {verdict}:{list_rejected(sorted(rejected))}{remedy}"


def list_rejected(rejected: Sequence[RejectedSample]) -> str:
    """Return names and reasons, each on an indented line after a line break; after ten, only their number."""
    # A line break in the name of a file would look like another entry.
    listed = "".join(f"\n  {printable(f'{entry.name}: {entry.reason}')}" for entry in rejected[:_LISTED])
    return listed + (f"\n  and {len(rejected) - _LISTED} more" if len(rejected) > _LISTED else "")

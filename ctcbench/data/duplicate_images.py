"""Images of a data set that have the same pixels, in a split and across splits."""

from __future__ import annotations

import bisect
import hashlib
import heapq
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Samples, SplitName

_EXAMPLES = 3


@dataclass(frozen=True)
class Duplicates:
    """Images with the same pixels.

    Attributes:
        within: by split, the images that repeat an earlier one of the split.
        across: by a pair of splits, the images of the second that are in the first too.
        differing: groups of equal images whose texts differ.
        examples: some of the groups, across splits and with different texts first; of each image its split,
            name and text.
    """

    within: Mapping[SplitName, int]
    across: Mapping[tuple[SplitName, SplitName], int]
    differing: int
    examples: Sequence[Sequence[tuple[SplitName, str, str]]] = field(default_factory=tuple)

    @property
    def found(self) -> bool:
        """Whether there are any."""
        return any(self.within.values()) or any(self.across.values())

    def to_json(self) -> dict[str, Any]:
        """Return the duplicates as a JSON document."""
        return {
            "within": dict(self.within),
            "across": {f"{one} and {other}": count for (one, other), count in self.across.items()},
            "groups_with_different_texts": self.differing,
            "examples": [
                [{"split": split, "name": name, "text": text} for split, name, text in group]
                for group in self.examples
            ],
        }


def find_duplicates(splits: Mapping[SplitName, Samples]) -> Duplicates:
    """Return the images that are equal, by the content of their pixels."""
    names = list(splits)
    starts = [0, *itertools.accumulate(len(splits[split]) for split in names)]
    within = dict.fromkeys(splits, 0)
    across = dict.fromkeys(combinations(splits, 2), 0)
    differing = 0

    def ranked_groups() -> Iterator[tuple[bool, bool, int, list[tuple[SplitName, int]]]]:
        nonlocal differing
        for rows in _equal_rows(np.concatenate([_digests(samples) for samples in splits.values()])):
            places = [bisect.bisect_right(starts, row) - 1 for row in rows]
            group = [(names[at], row - starts[at]) for at, row in zip(places, rows, strict=True)]
            counts = Counter(split for split, _ in group)
            for split, count in counts.items():
                within[split] += count - 1
            for one, other in across:
                if counts[one]:
                    across[one, other] += counts[other]
            differs = len({splits[split].texts[index] for split, index in group}) > 1
            differing += differs
            yield len(counts) == 1, not differs, rows[0], group[:_EXAMPLES]

    # Only the examples are kept: of a large set that was copied, every image is in a group.
    examples = [
        [(split, splits[split].names[index], splits[split].texts[index]) for split, index in group]
        for *_, group in heapq.nsmallest(_EXAMPLES, ranked_groups(), key=lambda entry: entry[:3])
    ]
    return Duplicates(within, across, differing, examples)


def _digests(samples: Samples) -> NDArray[np.uint64]:
    """Return a digest of each image in two numbers, so that a million of them take 16 MB."""
    digests_N2 = np.empty((len(samples), 2), np.uint64)
    # The pixels are mapped from a file and never all in memory.
    for index, (image_CHW, width) in enumerate(zip(samples.images_NCHW, samples.widths_N, strict=True)):
        digest = hashlib.blake2b(f"{image_CHW.shape} {width} ".encode(), digest_size=16)
        digest.update(np.ascontiguousarray(image_CHW).data)
        digests_N2[index] = np.frombuffer(digest.digest(), np.uint64)
    return digests_N2


def _equal_rows(digests_N2: NDArray[np.uint64]) -> Iterator[list[int]]:
    """Yield the indices of each group of equal rows, in ascending order."""
    order_N = np.lexsort(digests_N2.T)  # stable
    changes = np.flatnonzero((digests_N2[order_N[1:]] != digests_N2[order_N[:-1]]).any(1)) + 1
    for start, end in itertools.pairwise([0, *changes.tolist(), len(order_N)]):
        if end - start > 1:
            yield order_N[start:end].tolist()

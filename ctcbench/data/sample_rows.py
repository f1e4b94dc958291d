"""SampleRows: the row in which the image of each sample of a set is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Images
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.repeated_images import RepeatedImages
from ctcbench.data.rejected_samples import RejectedSample


class SampleRows:
    """The rows of images that samples share if they repeat a sample.

    The rows are in the order of the samples that use them first. So the first samples have the first rows,
    and a set of many samples also has the images of fewer.

    Attributes:
        numbers: the number of the first sample in each row, ascending.
        rows_N: the row of each sample, int32; None: sample i is in row i.
    """

    def __init__(self, count: int, first_N: NDArray[np.int32] | None = None) -> None:
        """Assign rows to `count` samples.

        Args:
            count: number of samples.
            first_N: number of the first sample that has the image of each, int32; None: all are different.
        """
        self.numbers: Sequence[int] = range(count)
        self.rows_N: NDArray[np.int32] | None = None
        if first_N is None:
            return
        # Every worker process has these, so they are of few bytes.
        is_first_N = first_N == np.arange(count, dtype=np.int32)
        if not is_first_N.all():
            self.numbers = np.flatnonzero(is_first_N).astype(np.int32).data
            self.rows_N = (np.cumsum(is_first_N, dtype=np.int32) - np.int32(1))[first_N]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)

    def of(self, numbers_N: NDArray[np.int64]) -> NDArray[np.integer]:
        """Return the rows of samples with some numbers."""
        return numbers_N if self.rows_N is None else self.rows_N[numbers_N]

    def in_order(self, order_N: NDArray[np.int64]) -> NDArray[np.integer]:
        """Return each row once, in the order in which samples in the order `order_N` use them first."""
        if self.rows_N is None:
            return order_N
        rows_N = self.rows_N[order_N]
        return rows_N[np.sort(np.unique(rows_N, return_index=True)[1])]

    def places(self, rows: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield some rows, each with the number of the sample to draw for it."""
        return ((row, self.numbers[row]) for row in rows)

    def images(self, stored: NDArray[np.uint8] | RaggedImages) -> Images:
        """Return the images of all samples, those in the rows being `stored`."""
        return stored if self.rows_N is None else RepeatedImages(stored, self.rows_N)

    def among(self, kept_M: NDArray[np.integer]) -> NDArray[np.int32] | None:
        """Return the samples' places in the rows `kept_M`, without samples of other rows.

        `kept_M` ascends. The result is int32; None: no sample repeats another, so sample i is in row i.
        """
        if self.rows_N is None:
            return None
        places_M = np.full(len(self), -1, np.int32)
        places_M[kept_M] = np.arange(len(kept_M), dtype=np.int32)
        left_N = places_M[self.rows_N]
        return left_N[left_N >= 0]

    def repeated(self, rejected: Iterable[RejectedSample]) -> list[RejectedSample]:
        """Return the rejected samples with those that repeat them, in ascending order of their numbers."""
        if self.rows_N is None:
            return sorted(rejected)
        by_row = {int(self.rows_N[entry.number]): entry for entry in rejected}
        numbers_R = np.flatnonzero(np.isin(self.rows_N, list(by_row)))
        return [by_row[int(self.rows_N[number])]._replace(number=number) for number in numbers_R.tolist()]

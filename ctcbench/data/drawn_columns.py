"""DrawnColumns: the data of drawn samples besides their pixels, while a set is drawn."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ctcbench.files.text_column import TextColumn


class DrawnSample(NamedTuple):
    """The data of a drawn sample besides its pixels; ``width`` in columns, without the padding."""

    number: int
    text: str
    width: int
    name: str


class DrawnColumns:
    """The drawn samples of a set, which arrive in any order, without an object for each."""

    def __init__(self) -> None:
        self._numbers, self._widths = array("q"), array("i")
        self._content, self._ends = bytearray(), array("q", [0])

    def extend(self, samples: Iterable[DrawnSample]) -> None:
        """Add samples."""
        for sample in samples:
            self._numbers.append(sample.number)
            self._widths.append(sample.width)
            for text in (sample.text, sample.name):
                self._content += text.encode(errors="surrogatepass")
                self._ends.append(len(self._content))

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the samples in ascending order, int64."""
        return np.sort(np.array(self._numbers, np.int64))

    @property
    def widths(self) -> NDArray[np.int32]:
        """The width of each sample in the order of the numbers, int32."""
        return np.array(self._widths, np.int32)[self._order]

    @property
    def texts(self) -> TextColumn:
        """The texts in the order of the numbers."""
        return TextColumn.of(self._texts(0))

    @property
    def names(self) -> TextColumn:
        """The names in the order of the numbers."""
        return TextColumn.of(self._texts(1))

    @property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(np.array(self._numbers, np.int64), kind="stable")

    def _texts(self, which: int) -> Iterator[str]:
        for at in self._order.data:
            start, end = self._ends[2 * at + which], self._ends[2 * at + which + 1]
            yield self._content[start:end].decode(errors="surrogatepass")

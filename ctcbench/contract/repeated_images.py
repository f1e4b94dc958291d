"""RepeatedImages: the images of samples of which several can have the same one, each image stored once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

# For type checkers alone: `ctcbench --help` must not import numpy.
if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from ctcbench.contract.ragged_images import RaggedImages


@dataclass(frozen=True, eq=False)
class RepeatedImages:
    """The images of N samples, of which M are different.

    An index is that of samples, and selects what it would select of an array or of `RaggedImages` with an
    image for each sample.

    Attributes:
        stored: the different images: uint8 (M, C, H, W), mapped from a file, or ragged.
        rows_N: int32, the row of each sample in ``stored``.
    """

    stored: NDArray[np.uint8] | RaggedImages
    rows_N: NDArray[np.int32]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W); of images of different widths, W is the greatest."""
        _, channels, height, width = self.stored.shape
        return len(self), channels, height, width

    @property
    def nbytes(self) -> int:
        """The size of the pixels in bytes, as they are stored."""
        return self.stored.nbytes

    def __len__(self) -> int:
        return len(self.rows_N)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self.stored[row] for row in self.rows_N.tolist())

    def __getitem__(self, index: int | slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.stored[self.rows_N[index]]

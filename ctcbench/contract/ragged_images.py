"""RaggedImages: images of one height and different widths, in one array of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

# For type checkers alone: `ctcbench --help` must not import numpy.
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

_WHITE = 255


@dataclass(frozen=True, eq=False)
class RaggedImages:
    """Images of C channels and H rows, each with a width of its own.

    An index selects one image, uint8 (C, H, w); a slice or an array of indices selects a batch (N, C, H, W),
    padded with white to its widest image.

    Attributes:
        pixels: uint8, the images one after the other, each in the order (C, H, w); mapped from a file.
        widths_N: int32, the number of columns of each image.
        channels: C.
        height: H.
    """

    pixels: NDArray[np.uint8]
    widths_N: NDArray[np.int32]
    channels: int
    height: int

    @classmethod
    def of(cls, images: Sequence[NDArray[np.uint8]]) -> RaggedImages:
        """Return images (C, H, w) as one object; there is at least one."""
        import numpy as np

        channels, height, _ = images[0].shape
        widths_N = np.array([image.shape[2] for image in images], dtype=np.int32)
        return cls(np.concatenate([image.ravel() for image in images]), widths_N, channels, height)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each image begins in ``pixels``, and after the last one where it ends: int64 (N + 1)."""
        import numpy as np

        ends_N = np.cumsum(self.widths_N, dtype=np.int64) * (self.channels * self.height)
        return np.concatenate([np.zeros(1, np.int64), ends_N])

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W), where W is the greatest width."""
        return len(self), self.channels, self.height, int(self.widths_N.max(initial=0))

    @property
    def nbytes(self) -> int:
        """The size of the pixels in bytes."""
        return int(self.starts[-1])

    def __len__(self) -> int:
        return len(self.widths_N)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int | slice | NDArray[np.integer]) -> NDArray[np.uint8]:
        import numpy as np

        if isinstance(index, slice):
            index = np.arange(len(self))[index]
        if isinstance(index, np.ndarray) and index.ndim:
            return self.padded(index, int(self.widths_N[index].max(initial=1)))
        # Negative numbers would be offsets of other images.
        row = range(len(self))[int(index)]
        image = self.pixels[self.starts[row] : self.starts[row + 1]]
        return image.reshape(self.channels, self.height, int(self.widths_N[row]))

    def padded(self, rows_N: NDArray[np.integer], width: int) -> NDArray[np.uint8]:
        """Return the images at `rows_N`, (N, C, H, width), with white columns on their right."""
        import numpy as np

        batch_NCHW = np.full((len(rows_N), self.channels, self.height, width), _WHITE, np.uint8)
        for image_CHW, row in zip(batch_NCHW, rows_N, strict=True):
            image_CHW[:, :, : self.widths_N[row]] = self[int(row)]
        return batch_NCHW

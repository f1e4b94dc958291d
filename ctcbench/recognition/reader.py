"""Reader: a trained network, whatever library computes it, as `Recogniser` uses it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.specs import Alignment, Alphabet, ImageSpec


class Reader(Protocol):
    """A trained network."""

    @property
    def image(self) -> ImageSpec:
        """Size of the images."""
        ...

    @property
    def widest(self) -> int:
        """Columns of the widest image that is read: more than `image` has, where widths are variable."""
        ...

    @property
    def alphabet(self) -> Alphabet:
        """Characters of the texts."""
        ...

    @property
    def alignment(self) -> Alignment:
        """How frames are aligned with characters."""
        ...

    @property
    def has_positions(self) -> bool:
        """Whether frame t of T is of the columns t · W / T to (t + 1) · W / T of images that are W wide.

        False where each frame sees the whole image.
        """
        ...

    def shared_by(self, threads: int) -> AbstractContextManager[Callable[[], None]]:
        """Return a context in which several threads call `read` at once, with one core for each.

        Its value is a function that each of these threads calls before it reads.
        """
        ...

    def read(
        self, images_NCHW: NDArray[np.uint8], widths_N: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return values_NTK, the natural log-probabilities of each image, and lengths_N, its valid frames.

        Args:
            images_NCHW: images of levels 0 (black) to 255 (white). Those of right-to-left text are mirrored
                already: their first column shows the right end of the picture.
            widths_N: number of columns of each image before its padding on the right.
        """
        ...

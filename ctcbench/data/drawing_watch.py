"""DrawingWatch: what `load_or_draw` calls while it draws samples that are in use already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ctcbench.data.drawn_columns import DrawnSample


class DrawingWatch(Protocol):
    """What uses the samples of a split while they are drawn; all methods are called by the drawing thread.

    Attributes:
        seed: seed of the training, whose first epoch decides the order in which the samples are drawn.
    """

    seed: int

    def started(self, images_NCHW: NDArray[np.uint8]) -> None:
        """Receive the images, uint8, mapped from the file that they are being drawn into."""
        ...

    def drawn(self, samples: Sequence[DrawnSample]) -> None:
        """Receive samples whose rows in the images are written."""
        ...

    def check(self) -> None:
        """Raise an exception if the drawing should stop; called several times a second."""
        ...

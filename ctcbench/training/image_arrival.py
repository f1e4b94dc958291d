"""ImageArrival: the images of a split that are being drawn while a training reads them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ctcbench.data.background_drawing import BackgroundDrawing
from ctcbench.data.sample_order import order_of
from ctcbench.training.device import copy_to_device
from ctcbench.training.resident_images import IMAGES_PER_COPY
from ctcbench.training.split import Split


class ImageArrival:
    """Waits for the images of the first epoch's steps, and copies them to the GPU if the split is there.

    Args:
        drawing: draws the samples of the split.
        split: the training images; if they are a tensor, the images are copied into it.
        kept_N: indices of the samples that the split has; None: all.
        batch_size: number of images of a step.
    """

    def __init__(
        self, drawing: BackgroundDrawing, split: Split, kept_N: NDArray[np.int64] | None, batch_size: int
    ) -> None:
        self._drawing, self._split, self._batch_size = drawing, split, batch_size
        # The samples of the split and those of the drawing, both in the order of the first epoch.
        self._order_N = order_of(len(split), drawing.seed, 0)
        self._drawn_N = self._order_N if kept_N is None else kept_N[self._order_N]
        self._arrived = 0

    def wait_for(self, step: int, before_wait: Callable[[], object]) -> None:
        """Return when the images of a step, counted from 0, can be used; call `before_wait` before a wait.

        Raises:
            UsageError: the cache can't be written.
            PluginError, CtcbenchError: as `materialise`.
        """
        end = self._end(step)
        if end <= self._arrived:
            return
        awaited_N = self._drawn_N[self._arrived : end]
        if not self._drawing.drawn_among(awaited_N).all():
            before_wait()
        # Also without a wait, for the errors of the drawing.
        self._drawing.wait_for(awaited_N)
        if isinstance(self._split.images_NCHW, Tensor):
            # A batch can have more images than one copy.
            while self._arrived < end:
                self._arrived += self._copy(self._split.images_NCHW)
        else:
            self._arrived = end

    def _end(self, step: int) -> int:
        return min((step + 1) * self._batch_size, len(self._order_N))

    def _copy(self, images_NCHW: Tensor) -> int:
        """Copy the next images that are drawn, and return their number."""
        next_N = slice(self._arrived, self._arrived + IMAGES_PER_COPY)
        is_drawn_N = self._drawing.drawn_among(self._drawn_N[next_N])
        count = len(is_drawn_N) if is_drawn_N.all() else int(is_drawn_N.argmin())
        next_N = slice(self._arrived, self._arrived + count)
        images, device = self._drawing.samples.images_NCHW, images_NCHW.device
        # On the stream of the steps, and so after the earlier and before the later ones.
        images_NCHW.index_copy_(
            0,
            self._split.rows_at(copy_to_device(self._order_N[next_N], device)),
            copy_to_device(images[self._drawn_N[next_N]], device),
        )
        return count

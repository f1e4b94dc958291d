"""ResidentSplit: a split whose batches are gathered on its device alone."""

from __future__ import annotations

from torch import Tensor

from ctcbench.training.mirroring import mirror_padded_columns
from ctcbench.training.ragged_tensor import RaggedTensor
from ctcbench.training.split import Batch, Split


class ResidentSplit:
    """A split with widths and lengths on the device too, so that a CUDA graph can contain `batch`.

    Args:
        split: a split whose images are a tensor on its device.
    """

    def __init__(self, split: Split) -> None:
        assert isinstance(split.images_NCHW, Tensor | RaggedTensor), "the images must be on the device"
        self._split, self._targets_NL = split, split.targets_NL
        self._widths_N = split.widths_N.to(split.device)
        self._target_lengths_N = split.target_lengths_N.to(split.device)
        self._is_mirrored = split.mirrored
        self._is_padded = isinstance(split.images_NCHW, RaggedTensor) or bool(
            (split.widths_N != split.images_NCHW.shape[3]).any()
        )

    def batch(self, indices_N: Tensor, width: int = 0) -> Batch:
        """Return the samples at `indices_N`, int64 on the device; all of the batch is on the device.

        Images of different widths are padded to `width`.
        """
        images_NCHW, widths_N = self._split.images_at(indices_N, width), self._widths_N[indices_N]
        if self._is_mirrored and self._is_padded:
            images_NCHW = mirror_padded_columns(images_NCHW, widths_N)
        elif self._is_mirrored:
            images_NCHW = images_NCHW.flip(3)
        return Batch(images_NCHW, widths_N, self._targets_NL[indices_N], self._target_lengths_N[indices_N])

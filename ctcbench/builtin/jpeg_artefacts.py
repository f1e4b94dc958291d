"""The artefacts of JPEG compression: coefficients of blocks, quantised on the device of the images."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_SIDE = 8  # of a block, in pixels
# Annex K of the standard (ITU-T T.81, 1992), tables K.1 (luminance) and K.2 (chrominance).
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
)  # fmt: skip
# JFIF: red, green, blue -> luminance, two chrominances.
_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


class JpegArtefacts:
    """images_NCHW, float32 from 0 to 255 -> the images as JPEG compression leaves them.

    The discrete cosine transform of each 8 × 8 block is rounded to multiples of the quantisation table, which
    is scaled as in libjpeg. The lossless part of JPEG has no effect on pixels and is left out, and so is
    the subsampling of the chrominance.
    """

    def __init__(self) -> None:
        # By device; made of 192 numbers one by one, which is too much for each step.
        self._tables: dict[torch.device, Tensor] = {}

    def __call__(self, images_NCHW: Tensor, quality_N: Tensor) -> Tensor:
        """Return the compressed images.

        Args:
            images_NCHW: float32 from 0 to 255; three channels are red, green and blue.
            quality_N: 1 (worst) to 100, one for each image.
        """
        _, channels, height, width = images_NCHW.shape
        is_colour = channels == 3
        planes_NCHW = _transform(images_NCHW, _YCC) if is_colour else images_NCHW
        # Whole blocks; the edge is repeated, as encoders do.
        bottom, right = -height % _SIDE, -width % _SIDE
        planes_NCHW = F.pad(planes_NCHW, (0, right, 0, bottom), mode="replicate")
        cosines_88 = _cosines(images_NCHW)
        # N C h w 8 8: rows and columns of blocks, then of the pixels in them.
        blocks = planes_NCHW.unflatten(3, (-1, _SIDE)).unflatten(2, (-1, _SIDE)).transpose(3, 4)
        coefficients = cosines_88 @ (blocks - 128.0) @ cosines_88.T
        steps = self._steps(images_NCHW.device, quality_N, is_colour=is_colour)
        blocks = cosines_88.T @ (torch.round(coefficients / steps) * steps) @ cosines_88 + 128.0
        planes_NCHW = blocks.transpose(3, 4).flatten(2, 3).flatten(3, 4)[..., :height, :width]
        return (_back(planes_NCHW) if is_colour else planes_NCHW).clamp(0, 255)

    def _steps(self, device: torch.device, quality_N: Tensor, *, is_colour: bool) -> Tensor:
        """Return the quantisation steps of each image and channel, of shape (N, C or 1, 1, 1, 8, 8)."""
        if device not in self._tables:
            # Not torch.tensor(): a CUDA graph can't contain a copy from the host.
            numbers = [
                torch.full((), step, device=device) for step in (*_LUMINANCE, *_CHROMINANCE, *_CHROMINANCE)
            ]
            self._tables[device] = torch.stack(numbers).float().view(-1, _SIDE, _SIDE)
        table_C88 = self._tables[device][: 3 if is_colour else 1]
        # libjpeg's rule: 50 is the table itself, 100 has steps of 1.
        percent_N = torch.where(quality_N < 50, 5000 / quality_N, 200 - 2 * quality_N)
        steps_NC88 = (table_C88 * percent_N[:, None, None, None] / 100 + 0.5).floor().clamp(1, 255)
        return steps_NC88[:, :, None, None]


def _cosines(like: Tensor) -> Tensor:
    """Return the matrix of the transform: rows are frequencies, columns are places; orthonormal."""
    place_8 = torch.arange(_SIDE, device=like.device)
    angles_88 = (2 * place_8 + 1) * place_8[:, None] * (math.pi / (2 * _SIDE))
    scale_8 = torch.full((_SIDE,), math.sqrt(2 / _SIDE), device=like.device)
    scale_8[0] = math.sqrt(1 / _SIDE)
    return angles_88.cos() * scale_8[:, None]


def _transform(images_NCHW: Tensor, rows: tuple[tuple[float, ...], ...]) -> Tensor:
    """Return the weighted sums of the channels, rounded as encoders do; chrominances are around 128."""
    red, green, blue = images_NCHW.unbind(1)
    sums = [one * red + two * green + three * blue for one, two, three in rows]
    return torch.stack([sums[0], sums[1] + 128.0, sums[2] + 128.0], 1).round()


def _back(planes_NCHW: Tensor) -> Tensor:
    """Return red, green and blue of a luminance and two chrominances."""
    planes_NCHW = planes_NCHW.clamp(0, 255).round()
    light, blue, red = planes_NCHW[:, 0], planes_NCHW[:, 1] - 128.0, planes_NCHW[:, 2] - 128.0
    return torch.stack(
        [light + 1.402 * red, light - 0.344136 * blue - 0.714136 * red, light + 1.772 * blue], 1
    )

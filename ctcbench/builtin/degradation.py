"""Degradation of a batch of images on its device, as by a camera: light, contrast, blur, grain, JPEG."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from ctcbench.builtin.jpeg_artefacts import JpegArtefacts

_REACH = 3  # of a blur, in standard deviations
# Points along the height of the two grids of the light: a gradient, and blotches of a third of the height.
_LIGHT = ((2, 0.7), (4, 0.3))
_BEST_QUALITY = 95  # of JPEG; above, artefacts are below one grey level


@dataclass(frozen=True)
class Strengths:
    """The largest change of each kind, in the units of `ctcbench.builtin.augmentations.lines`."""

    background: float
    brightness: float
    contrast: float
    blur: float
    noise: float
    jpeg: int
    chance: float


@dataclass(frozen=True)
class Degradation:
    """images_NCHW, float32 from 0 to 255 -> the same, each image degraded in its own way.

    Background, blur, noise and JPEG each change an image with the probability ``chance``, so that a share of
    the images stays as it is. No value is read on the host.
    """

    strengths: Strengths
    jpeg: JpegArtefacts = field(default_factory=JpegArtefacts, repr=False)

    def __call__(self, images_NCHW: Tensor, valid_N11W: Tensor | None) -> Tensor:
        """Return the images degraded; ``valid_N11W`` is False for padding, None if there is none."""
        strengths, count = self.strengths, len(images_NCHW)
        if strengths.background:
            shade_N1HW = self._light(images_NCHW) * (strengths.background * self._amounts(images_NCHW))
            images_NCHW = images_NCHW * (1 - shade_N1HW)
        if strengths.contrast:
            # Around the lightest grey, the paper: the ink becomes lighter or darker.
            paper_N111 = _masked(images_NCHW, valid_N11W, 0.0).amax((1, 2, 3), keepdim=True)
            factor_N111 = 1 + strengths.contrast * _signed(count, images_NCHW)
            images_NCHW = paper_N111 - (paper_N111 - images_NCHW) * factor_N111
        if strengths.brightness:
            images_NCHW = images_NCHW + strengths.brightness * _signed(count, images_NCHW)
        # A camera records no more than white and no less than black.
        images_NCHW = images_NCHW.clamp(0, 255)
        if strengths.blur:
            images_NCHW = self._blur(images_NCHW, valid_N11W)
        if strengths.noise:
            grain_NCHW = torch.randn_like(images_NCHW) * (strengths.noise * self._amounts(images_NCHW))
            images_NCHW = (images_NCHW + grain_NCHW).clamp(0, 255)
        if strengths.jpeg:
            images_NCHW = self._compress(images_NCHW)
        return images_NCHW

    def _light(self, images_NCHW: Tensor) -> Tensor:
        """Return shade_N1HW, 0 to 1: coarse random grids, interpolated."""
        count, _, height, width = images_NCHW.shape
        shade_N1HW = images_NCHW.new_zeros(count, 1, height, width)
        for rows, share in _LIGHT:
            columns = max(2, round(rows * width / height / 2))
            grid = torch.rand(count, 1, rows, columns, device=images_NCHW.device)
            smooth = F.interpolate(grid, (height, width), mode="bilinear", align_corners=True)
            shade_N1HW = shade_N1HW + share * smooth
        return shade_N1HW

    def _blur(self, images_NCHW: Tensor, valid_N11W: Tensor | None) -> Tensor:
        """Return the images after a Gaussian blur, of which padding is no part."""
        reach = math.ceil(_REACH * self.strengths.blur)
        places_K = torch.arange(-reach, reach + 1, device=images_NCHW.device)
        # Of almost no width for images that are not blurred; a width of 0 would divide by 0.
        sigma_N1 = (self.strengths.blur * self._amounts(images_NCHW)).view(-1, 1).clamp(min=1e-3)
        kernel_NK = torch.exp(-((places_K / sigma_N1) ** 2) / 2)
        kernel_NK = kernel_NK / kernel_NK.sum(1, keepdim=True)
        if valid_N11W is None:
            return _convolve(images_NCHW, kernel_NK)
        # The mean over the valid columns within reach, each with its weight.
        mask_NCHW = valid_N11W.to(images_NCHW.dtype).expand_as(images_NCHW)
        weights_NCHW = _convolve(mask_NCHW, kernel_NK).clamp(min=1e-6)
        return torch.where(
            valid_N11W, _convolve(images_NCHW * mask_NCHW, kernel_NK) / weights_NCHW, images_NCHW
        )

    def _compress(self, images_NCHW: Tensor) -> Tensor:
        worst, count = self.strengths.jpeg, len(images_NCHW)
        quality_N = worst + (_BEST_QUALITY - worst) * torch.rand(count, device=images_NCHW.device)
        is_compressed_N111 = self._chosen(images_NCHW)
        return torch.where(is_compressed_N111, self.jpeg(images_NCHW, quality_N), images_NCHW)

    def _amounts(self, images_NCHW: Tensor) -> Tensor:
        """Return amounts_N111 between 0 and 1; 0 for the images that are not changed."""
        amounts_N111 = torch.rand(len(images_NCHW), 1, 1, 1, device=images_NCHW.device)
        return amounts_N111 * self._chosen(images_NCHW)

    def _chosen(self, images_NCHW: Tensor) -> Tensor:
        return torch.rand(len(images_NCHW), 1, 1, 1, device=images_NCHW.device) < self.strengths.chance


def _signed(count: int, images_NCHW: Tensor) -> Tensor:
    """Return numbers_N111 between −1 and 1."""
    return torch.rand(count, 1, 1, 1, device=images_NCHW.device) * 2 - 1


def _masked(images_NCHW: Tensor, valid_N11W: Tensor | None, value: float) -> Tensor:
    return images_NCHW if valid_N11W is None else images_NCHW.masked_fill(~valid_N11W, value)


def _convolve(images_NCHW: Tensor, kernel_NK: Tensor) -> Tensor:
    """Return each image convolved with its kernel along both axes; edges are repeated."""
    count, channels, height, width = images_NCHW.shape
    reach = kernel_NK.shape[1] // 2
    # One group a channel of an image, so that one convolution applies all kernels.
    kernels_G11K = kernel_NK.repeat_interleave(channels, 0)[:, None, None]
    flat_1GHW = images_NCHW.reshape(1, count * channels, height, width)
    for kernels, padding in (
        (kernels_G11K, (reach, reach, 0, 0)),
        (kernels_G11K.transpose(2, 3), (0, 0, reach, reach)),
    ):
        flat_1GHW = F.conv2d(F.pad(flat_1GHW, padding, mode="replicate"), kernels, groups=count * channels)
    return flat_1GHW.view(count, channels, height, width)

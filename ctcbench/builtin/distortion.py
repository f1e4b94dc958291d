"""Distortion of a batch of images on its device, with one resampling for all geometric changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pixel_levels import WHITE
from ctcbench.masking.valid_columns import clear_padding, fill_padding

_WAVE_ROWS, _WAVE_HEIGHTS = 3, 0.5  # grid of the waves: points vertically, their distance in image heights
_MOST_LIFT = 0.25  # how far a rotation moves the ends of a line up and down, in image heights
_SPOT_LEAST, _SPOT_MOST = 0.05, 0.15  # half the side of a spot, in image heights


@dataclass(frozen=True)
class Amounts:
    """The largest change of each kind, in the units of `ctcbench.builtin.augmentations.distort`."""

    rotate: float
    shear: float
    scale: float
    shift: float
    warp: float
    contrast: float
    erase: int
    noise: float


@dataclass(frozen=True)
class Distortion:
    """images_NCHW, uint8 -> images_NCHW, float32 from 0 to 255, each image distorted in its own way."""

    image: ImageSpec
    amounts: Amounts

    def __call__(self, images_NCHW: Tensor, widths_N: Tensor) -> Tensor:
        """Return images_NCHW distorted, float32 from 0 to 255.

        Images of variable width are turned about their own centre, and their padding stays white; those of
        one width are distorted with their padding.
        """
        images_NCHW = images_NCHW.float()
        amounts, valid_N = self.amounts, widths_N if self.image.variable else None
        if any((amounts.rotate, amounts.shear, amounts.scale, amounts.shift, amounts.warp)):
            # One resampling for all geometric changes: each one blurs the image.
            grid_NHW2 = self._draw_grid(images_NCHW, valid_N)
            # "border" repeats the edge, which is paper; the default, zeros, would be ink.
            images_NCHW = F.grid_sample(
                images_NCHW, grid_NHW2, mode="bilinear", padding_mode="border", align_corners=False
            )
        # The lightest grey of each image.
        paper_NC11 = (images_NCHW if valid_N is None else clear_padding(images_NCHW, valid_N)).amax(
            (2, 3), keepdim=True
        )
        if amounts.contrast:
            # Relative to the paper, which keeps its grey: only the ink becomes lighter or darker.
            images_NCHW = paper_NC11 - (paper_NC11 - images_NCHW) * (
                1 + self._draw_signed(paper_NC11, amounts.contrast)
            )
        if amounts.erase:
            # In the colour of the paper: a black spot would look like ink.
            images_NCHW = torch.where(self._draw_spots(images_NCHW, valid_N), paper_NC11, images_NCHW)
        if amounts.noise:
            images_NCHW = images_NCHW + torch.randn_like(images_NCHW) * amounts.noise
        images_NCHW = images_NCHW.clamp(0, 255)
        return images_NCHW if valid_N is None else fill_padding(images_NCHW, valid_N, WHITE)

    def _draw_grid(self, images_NCHW: Tensor, valid_N: Tensor | None) -> Tensor:
        """Return grid_NHW2, where each pixel is sampled from: (x, y), −1 to 1 from edge to edge.

        `valid_N` is the number of columns of each image, None if all have the same.
        """
        (count, _, height, width), amounts, device = images_NCHW.shape, self.amounts, images_NCHW.device
        like = torch.empty(count, device=device)
        # The ends of a long line would leave the image at an angle at which those of a short one don't.
        columns_N = like.new_full((count,), width) if valid_N is None else valid_N
        most_N = torch.asin((2 * _MOST_LIFT * height / columns_N).clamp(max=1))
        turn = self._draw_signed(like, most_N.clamp(max=math.radians(amounts.rotate)))
        slant, shift = self._draw_signed(like, amounts.shear), amounts.shift * height
        wider, higher = (self._draw_signed(like, amounts.scale) for _ in "xy")
        # A long line is hardly made longer, or its ends would be outside of the image.
        across, down = 1 + torch.where(wider < 0, wider * min(1.0, height / width), wider), 1 + higher
        # In pixels from the centre, so that a rotation keeps angles although the image is not square.
        affine_N23 = torch.stack(
            [
                torch.stack([across * turn.cos(), slant - turn.sin(), self._draw_signed(like, shift)], -1),
                torch.stack([turn.sin(), down * turn.cos(), self._draw_signed(like, shift)], -1),
            ],
            1,
        )
        rows_H = torch.arange(height, device=device) - (height - 1) / 2
        columns_W = torch.arange(width, device=device) - (width - 1) / 2
        pixels_3P = torch.stack(
            [
                columns_W.repeat(height),
                rows_H.repeat_interleave(width),
                torch.ones_like(columns_W).repeat(height),
            ]
        )
        places_N2HW = (affine_N23 @ pixels_3P).view(count, 2, height, width)
        if amounts.warp:
            points = max(2, round(width / height / _WAVE_HEIGHTS))
            # A coarse grid of random shifts, interpolated: neighbouring pixels move together, so strokes stay
            # whole.
            waves_N2HW = torch.randn(count, 2, _WAVE_ROWS, points, device=device) * amounts.warp
            places_N2HW = places_N2HW + F.interpolate(
                waves_N2HW, (height, width), mode="bilinear", align_corners=True
            )
        if valid_N is not None:
            # From the centre of an image to that of the batch, and no further than its last column.
            moved_N11, reach_N11 = ((width - valid_N) / 2)[:, None, None], ((valid_N - 1) / 2)[:, None, None]
            moved_N2HW = affine_N23[:, :, 0, None, None] * moved_N11[:, None]
            places_N2HW = places_N2HW + moved_N2HW
            columns_NHW = torch.clamp(places_N2HW[:, 0], -reach_N11, reach_N11) - moved_N11
            places_N2HW = torch.stack([columns_NHW, places_N2HW[:, 1]], 1)
        # grid_sample() takes −1 to 1 along both axes, whatever the aspect ratio.
        return torch.stack([places_N2HW[:, 0] / (width / 2), places_N2HW[:, 1] / (height / 2)], -1)

    def _draw_spots(self, images_NCHW: Tensor, valid_N: Tensor | None) -> Tensor:
        """Return mask_N1HW of the spots: up to ``erase`` rectangles at random positions of each image."""
        count, _, height, width = images_NCHW.shape
        device = images_NCHW.device
        rows_H1 = torch.arange(height, device=device)[:, None]
        columns_W = torch.arange(width, device=device)
        across = width if valid_N is None else valid_N[:, None, None, None]
        spots_N1HW = torch.zeros(count, 1, height, width, dtype=torch.bool, device=device)
        for _ in range(self.amounts.erase):
            draw_5N = torch.rand(5, count, 1, 1, 1, device=device)
            half = (_SPOT_LEAST + (_SPOT_MOST - _SPOT_LEAST) * draw_5N[:2]) * height
            inside_N1HW = ((rows_H1 - draw_5N[2] * height).abs() < half[0]) & (
                (columns_W - draw_5N[3] * across).abs() < half[1]
            )
            # Each spot has a probability of one half, so that some images have fewer spots.
            spots_N1HW |= inside_N1HW & (draw_5N[4] < 0.5)
        return spots_N1HW

    @staticmethod
    def _draw_signed(like: Tensor, most: float | Tensor) -> Tensor:
        """Return numbers between −most and most, one for each element of `like`."""
        return (torch.rand_like(like) * 2 - 1) * most

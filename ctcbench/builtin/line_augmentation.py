"""Augmentation of lines of text: distortion of their shape, then degradation as by a camera."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ctcbench.builtin.degradation import Degradation
from ctcbench.builtin.distortion import Distortion
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pixel_levels import WHITE
from ctcbench.masking.valid_columns import valid_columns


@dataclass(frozen=True)
class LineAugmentation:
    """images_NCHW, uint8 -> images_NCHW, float32 from 0 to 255, each image changed in its own way."""

    image: ImageSpec
    distortion: Distortion
    degradation: Degradation

    def __call__(self, images_NCHW: Tensor, widths_N: Tensor) -> Tensor:
        """Return the images changed; the padding of images of variable width stays white."""
        images_NCHW = self.distortion(images_NCHW, widths_N)
        valid_N11W = valid_columns(images_NCHW, widths_N) if self.image.variable else None
        images_NCHW = self.degradation(images_NCHW, valid_N11W)
        return images_NCHW if valid_N11W is None else images_NCHW.masked_fill(~valid_N11W, WHITE)

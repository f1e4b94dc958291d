"""The augmentations that ship: none, and distortions that leave the text as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ctcbench.contract.components import Component, augmentation
from ctcbench.contract.specs import ImageSpec

if TYPE_CHECKING:
    from torch import Tensor

Augment = Callable[["Tensor", "Tensor"], "Tensor"]


def _none(image: ImageSpec) -> Augment:
    """The images as they are."""
    return lambda images_NCHW, widths_N: images_NCHW


_none.__name__ = "none"  # a head is called so too


@augmentation
def distort(
    image: ImageSpec,
    *,
    rotate: Annotated[float, Field(ge=0, le=45, description="largest turn, degrees")] = 3.0,
    shear: Annotated[float, Field(ge=0, le=1, description="largest slant, columns a row")] = 0.06,
    scale: Annotated[float, Field(ge=0, le=0.5, description="largest change of size, share")] = 0.0,
    shift: Annotated[float, Field(ge=0, le=0.5, description="largest way, share of the height")] = 0.05,
    warp: Annotated[float, Field(ge=0, le=10, description="typical way of a wave, pixels")] = 0.4,
    contrast: Annotated[
        float, Field(ge=0, lt=1, description="largest change of the ink's depth, share")
    ] = 0.0,
    erase: Annotated[int, Field(ge=0, le=20, description="most spots of paper on an image")] = 1,
    noise: Annotated[
        float, Field(ge=0, le=100, description="standard deviation of grain, grey levels")
    ] = 0.0,
) -> Augment:
    """Small turns, slants, sizes, shifts and waves, contrast, spots and grain, anew each time.

    Sizes stay as they are unless asked for: they tell v from V.
    """
    from ctcbench.builtin.distortion import Amounts, Distortion

    return Distortion(image, Amounts(rotate, shear, scale, shift, warp, contrast, erase, noise))


AUGMENTATIONS: list[Component] = [augmentation(_none), distort]

"""The built-in augmentations: none, and distortions that do not change the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ctcbench.contract.components import Component, augmentation
from ctcbench.contract.specs import ImageSpec

if TYPE_CHECKING:
    from torch import Tensor

Augment = Callable[["Tensor", "Tensor"], "Tensor"]
Rotation = Annotated[float, Field(ge=0, le=45, description="largest rotation, degrees; less in long lines")]
Shear = Annotated[float, Field(ge=0, le=1, description="largest slant, columns per row")]
Shift = Annotated[float, Field(ge=0, le=0.5, description="largest shift, in image heights")]
Waves = Annotated[float, Field(ge=0, le=10, description="typical amplitude of the waves, pixels")]
Contrast = Annotated[float, Field(ge=0, lt=1, description="largest relative change of the contrast")]
Spots = Annotated[int, Field(ge=0, le=20, description="largest number of erased spots per image")]


def _none(image: ImageSpec) -> Augment:
    """The images, unchanged."""
    return lambda images_NCHW, widths_N: images_NCHW


_none.__name__ = "none"  # the function has an underscore, as there is a head `none` as well


@augmentation(on_device=True)
def distort(
    image: ImageSpec,
    *,
    rotate: Rotation = 3.0,
    shear: Shear = 0.06,
    # Off by default: in captchas of mixed case, only the size distinguishes v from V.
    scale: Annotated[float, Field(ge=0, le=0.5, description="largest relative change of size")] = 0.0,
    shift: Shift = 0.05,
    warp: Waves = 0.4,
    contrast: Contrast = 0.0,
    erase: Spots = 1,
    noise: Annotated[
        float, Field(ge=0, le=100, description="standard deviation of grain, grey levels")
    ] = 0.0,
) -> Augment:
    """Small random rotations, slants, scalings, shifts and waves, contrast, spots and grain."""
    # Here, because that module imports torch, for which --help must not wait.
    from ctcbench.builtin.distortion import Amounts, Distortion

    return Distortion(image, Amounts(rotate, shear, scale, shift, warp, contrast, erase, noise))


@augmentation(on_device=True)
def lines(
    image: ImageSpec,
    *,
    rotate: Rotation = 2.0,
    shear: Shear = 0.15,
    scale: Annotated[
        float, Field(ge=0, le=0.5, description="largest relative change of width and height")
    ] = 0.1,
    shift: Shift = 0.05,
    elastic: Waves = 0.7,
    erase: Spots = 1,
    background: Annotated[
        float, Field(ge=0, lt=1, description="largest share of light that shade takes")
    ] = 0.3,
    brightness: Annotated[float, Field(ge=0, le=128, description="largest change, grey levels")] = 25.0,
    contrast: Contrast = 0.3,
    blur: Annotated[
        float, Field(ge=0, le=8, description="largest standard deviation of the blur, pixels")
    ] = 1.0,
    noise: Annotated[
        float, Field(ge=0, le=100, description="largest standard deviation of grain, grey levels")
    ] = 12.0,
    jpeg: Annotated[int, Field(ge=0, le=95, description="lowest quality of JPEG compression; 0: none")] = 40,
    chance: Annotated[
        float, Field(ge=0, le=1, description="probability of background, blur, noise and JPEG, each")
    ] = 0.5,
) -> Augment:
    """For photographed or scanned lines: shape, spots, uneven light, contrast, blur, grain, JPEG."""
    # Here, because those modules import torch, for which --help must not wait.
    from ctcbench.builtin.degradation import Degradation, Strengths
    from ctcbench.builtin.distortion import Amounts, Distortion
    from ctcbench.builtin.line_augmentation import LineAugmentation

    shape = Amounts(rotate, shear, scale, shift, warp=elastic, contrast=0.0, erase=erase, noise=0.0)
    strengths = Strengths(background, brightness, contrast, blur, noise, jpeg, chance)
    return LineAugmentation(image, Distortion(image, shape), Degradation(strengths))


AUGMENTATIONS: list[Component] = [augmentation(on_device=True)(_none), distort, lines]

"""Augmentation: that of a recipe, with a check of the images that it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ctcbench.config.recipe import Recipe
from ctcbench.contract.specs import ImageSpec
from ctcbench.registry.component_checks import require_images

# Called as (images_NCHW, widths_N); returns images of the same shape on the same device.
Augment = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Augmentation:
    """The augmentation of a recipe.

    Attributes:
        function: what the component's builder returned.
        owner: owner and name of the component, the beginning of its error messages.
        on_device: whether `function` takes the widths on the device of the images; otherwise it takes them
            on the CPU, and a CUDA graph can't contain it.
    """

    function: Augment
    owner: str
    on_device: bool

    def __call__(self, images_NCHW: Tensor, widths_N: Tensor) -> Tensor:
        """Return the augmented images; `widths_N` may be on the CPU or on the device of the images.

        Raises:
            PluginError: the function did not return the same number of images, of the same shape and on the
                same device.
        """
        if self.on_device:
            widths_N = widths_N.to(images_NCHW.device, non_blocking=True)
        return require_images(self.owner, images_NCHW, self.function(images_NCHW, widths_N))


def build_augmentation(recipe: Recipe, image: ImageSpec) -> Augmentation:
    """Build the augmentation of a recipe.

    Raises:
        UsageError: an option is wrong.
        PluginError: the builder failed.
    """
    return Augmentation(
        recipe.build("augmentation", image),
        recipe.describe_owner("augmentation"),
        recipe.on_device("augmentation"),
    )

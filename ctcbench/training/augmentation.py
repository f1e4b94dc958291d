"""The augmentation of a recipe, with a check of the images that it returns."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ctcbench.config.recipe import Recipe
from ctcbench.contract.specs import ImageSpec
from ctcbench.registry.component_checks import require_images

# Called as (images_NCHW, widths_N); returns images of the same shape on the same device.
Augment = Callable[[Tensor, Tensor], Tensor]


def build_augmentation(recipe: Recipe, image: ImageSpec) -> Augment:
    """Build the augmentation of a recipe.

    The returned function raises a PluginError that names the owner, unless the augmentation returns the
    same number of images, of the same shape and on the same device.

    Raises:
        UsageError: an option is wrong.
        PluginError: the builder failed.
    """
    augment: Augment = recipe.build("augmentation", image)
    owner = recipe.describe_owner("augmentation")

    def checked(images_NCHW: Tensor, widths_N: Tensor) -> Tensor:
        return require_images(owner, images_NCHW, augment(images_NCHW, widths_N))

    return checked

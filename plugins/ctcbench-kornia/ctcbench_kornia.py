"""An augmentation that applies transforms of kornia, by name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ctcbench import ImageSpec, UsageError, augmentation, hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn

Augment = Callable[["Tensor", "Tensor"], "Tensor"]
_PROBE_WIDTH = 64  # columns of the images with which transforms are tried


@augmentation
def kornia(
    image: ImageSpec,
    *,
    transforms: Annotated[
        str,
        Field(min_length=1, description='calls such as "RandomPerspective(0.2), RandomMedianBlur((3, 3))"'),
    ],
) -> Augment:
    """Transforms of kornia, applied in order to a batch."""
    steps = build_transforms(transforms)
    _try(steps, image)

    def augment(images_NCHW: Tensor, widths_N: Tensor) -> Tensor:
        changed_NCHW = _apply(steps, images_NCHW.float() / 255).clamp(0, 1) * 255
        if not image.variable:
            return changed_NCHW
        import torch

        columns_W = torch.arange(changed_NCHW.shape[3], device=changed_NCHW.device)
        is_padding_N11W = columns_W >= widths_N.to(changed_NCHW.device)[:, None, None, None]
        return changed_NCHW.masked_fill(is_padding_N11W, 255.0)

    return augment


@hookimpl
def ctcbench_components() -> list[Any]:
    """Return the augmentation."""
    return [kornia]


def build_transforms(text: str) -> list[nn.Module]:
    """Return the transforms of a list of calls, ``RandomPerspective(0.2), RandomInvert``.

    Raises:
        UsageError: the text is something else, there is no such transform, or kornia refuses its arguments.
    """
    import kornia.augmentation as library

    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UsageError(f"transforms {text!r}: expected calls as in Python, {_EXAMPLE}") from None
    calls = body.elts if isinstance(body, ast.Tuple | ast.List) else [body]
    if not calls:
        raise UsageError(f"transforms {text!r}: expected at least one call, {_EXAMPLE}")
    return [_build(call, library) for call in calls]


_EXAMPLE = "such as RandomPerspective(0.2), RandomMedianBlur((3, 3), p=0.3)"


def _build(node: ast.expr, library: Any) -> nn.Module:
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    shown = ast.unparse(node)
    if not isinstance(call.func, ast.Name) or any(keyword.arg is None for keyword in call.keywords):
        raise UsageError(f"transforms: {shown}: expected a call of a transform, {_EXAMPLE}")
    try:
        # Literals alone: the text may come from a configuration of somebody else.
        arguments = [ast.literal_eval(argument) for argument in call.args]
        options = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (ValueError, TypeError):
        raise UsageError(
            f"transforms: {shown}: arguments are numbers, texts, True, False, lists and tuples"
        ) from None
    known = names(library)
    if call.func.id not in known:
        raise UsageError(
            f"transforms: no transform {call.func.id!r} that keeps the size (there are: {', '.join(known)})"
        )
    try:
        transform: nn.Module = getattr(library, call.func.id)(*arguments, **options)
    except Exception as error:  # kornia has no error of its own
        raise UsageError(f"transforms: {shown}: {type(error).__name__}: {error}") from error
    return transform


def names(library: Any) -> list[str]:
    """Return the names of the transforms that change one image and not its size."""
    bases = (library.IntensityAugmentationBase2D, library.GeometricAugmentationBase2D)
    sized = (
        "CenterCrop",
        "LongestMaxSize",
        "PadTo",
        "RandomCrop",
        "RandomResizedCrop",
        "Resize",
        "SmallestMaxSize",
    )
    found = {name: getattr(library, name) for name in dir(library) if name not in sized}
    return [
        name
        for name, one in found.items()
        if isinstance(one, type) and issubclass(one, bases) and "Base" not in name
    ]


def _apply(steps: Sequence[nn.Module], images_NCHW: Tensor) -> Tensor:
    from kornia.augmentation import GeometricAugmentationBase2D

    for step in steps:
        if isinstance(step, GeometricAugmentationBase2D):
            # kornia fills with 0, which is ink; inverted, 0 is paper.
            images_NCHW = 1 - step(1 - images_NCHW)
        else:
            images_NCHW = step(images_NCHW)
    return images_NCHW


def _try(steps: Sequence[nn.Module], image: ImageSpec) -> None:
    """Apply each transform once, so that what it can't do is an error before the training.

    Raises:
        UsageError: it failed, or returned images of another size.
    """
    import torch

    width = min(image.width, _PROBE_WIDTH) if image.variable else image.width
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for step in steps:
            images_NCHW = torch.rand(2, image.channels, image.height, width)
            name = type(step).__name__
            try:
                found = _apply([step], images_NCHW)
            except Exception as error:  # kornia has no error of its own
                first = (str(error).splitlines() or [""])[0]
                raise UsageError(
                    f"transforms: {name} failed for {image}: {type(error).__name__}: {first}"
                ) from error
            if found.shape != images_NCHW.shape:
                sizes = f"{tuple(images_NCHW.shape)} to {tuple(found.shape)}"
                raise UsageError(f"transforms: {name} changes the size of images ({sizes})")

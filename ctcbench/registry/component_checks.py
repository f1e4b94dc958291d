"""Checks of what components return; the message of each error begins with `owner`.

`owner` is what `Registry.describe_owner` returns: the plugin's owner, the kind and the component string.
"""

# Functions that need torch import it themselves: `--help` lists the components, for which it loads the
# registry, and must not wait for torch.

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeGuard, get_args

from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import PluginError
from ctcbench.contract.executors import Executor
from ctcbench.contract.model_parameters import ModelParameters
from ctcbench.contract.specs import Alphabet, ImageSpec, SequenceSpec
from ctcbench.files.pictures import Fit

if TYPE_CHECKING:
    from torch import Tensor


def require_source(owner: str, source: Any) -> None:
    """Check the object that the builder of a data set returned.

    Raises:
        PluginError: an attribute is not what `Source` describes, or a method is missing.
    """
    image, alphabet = getattr(source, "image", None), getattr(source, "alphabet", None)
    if not isinstance(image, ImageSpec):
        raise PluginError(f"{owner}: its image is {image!r}, not an ImageSpec")
    if image.channels not in (1, 3) or image.height < 1 or image.width < 1:
        raise PluginError(f"{owner}: its {image}: images have 1 or 3 channels, and at least one pixel")
    if not isinstance(alphabet, Alphabet):
        raise PluginError(f"{owner}: its alphabet is {alphabet!r}, not an Alphabet")
    # The attribute is optional; a source without it resizes other pictures by stretching them.
    if hasattr(source, "fit") and source.fit not in get_args(Fit):
        raise PluginError(f"{owner}: its fit is {source.fit!r}; it must be one of {', '.join(get_args(Fit))}")
    if hasattr(source, "fit") and (source.fit == "keep") != image.variable:
        raise PluginError(f"{owner}: its fit is {source.fit!r}, but its image has variable={image.variable}")
    notices = getattr(source, "notices", ())
    if not isinstance(notices, tuple) or not all(isinstance(text, str) for text in notices):
        raise PluginError(f"{owner}: its notices are {notices!r}, not a tuple of texts")
    # Optional too: a source without it draws a sample to know its text.
    if not callable(getattr(source, "text_of", print)):
        raise PluginError(f"{owner}: its text_of is {source.text_of!r}, not a method")
    # The methods are not called here, because that can be slow: a folder lists its files, for example.
    # What they return is checked where they are used, by `BuiltDataset` and while drawing.
    for method in ("size", "fingerprint", "describe", "draw"):
        if not hasattr(source, method):
            raise PluginError(f"{owner}: it lacks the method {method}")


def require_size(owner: str, split: SplitName, size: object) -> None:
    """Check the size that a data set returned for a split.

    Raises:
        PluginError: it is neither a whole number nor None.
    """
    # Integral and not int: numpy's whole numbers are welcome.
    if size is not None and (not isinstance(size, Integral) or int(size) < 0):
        raise PluginError(f"{owner}: the size of {split!r} is {size!r}, not a whole number or None")


def require_fingerprint(owner: str, split: SplitName, fingerprint: object) -> None:
    """Check the fingerprint that a data set returned for a split.

    Raises:
        PluginError: it is not a text.
    """
    if not isinstance(fingerprint, str):
        raise PluginError(f"{owner}: the fingerprint of {split!r} is {fingerprint!r}, not a text")


def require_images(owner: str, given_NCHW: Tensor, returned: object) -> Tensor:
    """Check the images that an augmentation returned for the images `given_NCHW`, and return them.

    Raises:
        PluginError: they differ in shape or device, or are neither uint8 nor float32.
    """
    import torch

    got = type(returned).__name__
    if isinstance(returned, torch.Tensor):
        same_place = returned.shape == given_NCHW.shape and returned.device == given_NCHW.device
        # An augmentation that moves pixels returns uint8, one that interpolates float32.
        if same_place and returned.dtype in (torch.uint8, torch.float32):
            return returned
        got = f"{returned.dtype} {tuple(returned.shape)} on {returned.device}"
    raise PluginError(
        f"{owner}: for {tuple(given_NCHW.shape)} on {given_NCHW.device} it returned {got}; "
        f"it must return images of the same shape on that device, torch.uint8 or torch.float32"
    )


def require_module(owner: str, built: object) -> None:
    """Check the object that the builder of a backbone or a head returned.

    Raises:
        PluginError: it is not a torch module.
    """
    from torch import nn

    if not isinstance(built, nn.Module):
        raise PluginError(f"{owner}: its builder returned {type(built).__name__}, not a torch.nn.Module")


def require_backbone_features(owner: str, image: ImageSpec, returned: object) -> SequenceSpec:
    """Check what a backbone returned for two images, and return the size of the sequence of one.

    Raises:
        PluginError: it is not a float32 tensor (2, F, H, W).
    """
    # A backbone that pools too much for the image can return an axis of length 0.
    if not _is_float32(returned, 4) or len(returned) != 2 or 0 in returned.shape:
        size = f"{image.channels}×{image.height}×{image.width}"
        raise PluginError(
            f"{owner}: for images (2, {size}) expected features (2, F, H, W), got {_shape(returned)}"
        )
    return SequenceSpec(frames=returned.shape[3], features=returned.shape[1] * returned.shape[2])


def require_head_features(
    owner: str, sequence: SequenceSpec, returned: object, *, own_frames: bool
) -> SequenceSpec:
    """Check what a head returned for two sequences, and return the size of one.

    `own_frames`: whether the head determines the number of frames (its attribute ``whole_image``).

    Raises:
        PluginError: it is not a float32 tensor (T, 2, D) with T frames.
    """
    if (
        not _is_float32(returned, 3)
        or returned.shape[1] != 2
        or 0 in returned.shape
        or not (own_frames or len(returned) == sequence.frames)
    ):
        raise PluginError(
            f"{owner}: for features ({sequence.frames}, 2, {sequence.features}) "
            f"expected ({'T' if own_frames else sequence.frames}, 2, D), got {_shape(returned)}"
        )
    return SequenceSpec(frames=returned.shape[0], features=returned.shape[2])


def require_loss(owner: str, returned: object) -> None:
    """Check what a loss returned for a batch.

    Raises:
        PluginError: it is not a finite scalar tensor that has a gradient.
    """
    import torch

    got = ""
    if not isinstance(returned, torch.Tensor):
        got = repr(returned)
    elif returned.shape != () or not returned.is_floating_point():
        got = f"{str(returned.dtype).removeprefix('torch.')} of shape {tuple(returned.shape)}"
    # Otherwise backward() raises in the first step, and its error names no plugin.
    elif not returned.requires_grad:
        got = "a tensor without a gradient"
    elif not bool(returned.isfinite()):
        got = str(returned.item())
    if got:
        raise PluginError(
            f"{owner} returned {got}; it must return a finite scalar tensor that has a gradient"
        )


def require_optimizer(owner: str, built: object, parameters: ModelParameters) -> None:
    """Check what the builder of an optimizer returned.

    Raises:
        PluginError: it is not a torch optimizer, or one of its groups holds a parameter that is not the
            model's, or a parameter is in no group or in two.
    """
    import torch

    if not isinstance(built, torch.optim.Optimizer):
        raise PluginError(
            f"{owner}: its builder returned {type(built).__name__}, not a torch.optim.Optimizer"
        )
    held = [id(parameter) for group in built.param_groups for parameter in group["params"]]
    # By identity, because == on tensors compares their elements. Frozen parameters may be left out; one that
    # is trained may not, because it would keep its initial value without an error.
    trained = {id(p): p for p in (*parameters.weights, *parameters.vectors) if p.requires_grad}
    known = {id(p) for p in (*parameters.weights, *parameters.vectors)}
    if missing := [tuple(p.shape) for key, p in trained.items() if key not in held]:
        raise PluginError(
            f"{owner}: {len(missing)} of {len(trained)} parameters are in none of its groups, the first of "
            f"shape {missing[0]}; give it all of parameters.weights and parameters.vectors"
        )
    if len(held) != len(set(held)) or not set(held) <= known:
        raise PluginError(
            f"{owner}: its groups hold {len(held)} tensors, of which {len(set(held) & known)} are parameters "
            f"of the model; they must hold each parameter once, and nothing else"
        )


def require_executor(owner: str, built: object) -> Executor:
    """Check the object that the builder of an executor returned, and return it.

    Raises:
        PluginError: it lacks the method ``describe`` or ``run``.
    """
    for method in ("describe", "run"):
        if not callable(getattr(built, method, None)):
            raise PluginError(
                f"{owner}: its builder returned {type(built).__name__}, which has no method {method} "
                f"(see ctcbench.Executor)"
            )
    executor: Any = built
    return executor  # type: ignore[no-any-return]


def _is_float32(value: object, dimensions: int) -> TypeGuard[Tensor]:
    import torch

    return isinstance(value, torch.Tensor) and value.dtype is torch.float32 and value.ndim == dimensions


def _shape(value: object) -> str:
    import torch

    if not isinstance(value, torch.Tensor):
        return type(value).__name__
    of = "" if value.dtype is torch.float32 else f" of {value.dtype}, not torch.float32"
    return f"{tuple(value.shape)}{of}"

"""How many frames a backbone makes of images of each width, where widths are variable."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from ctcbench.contract.errors import PluginError
from ctcbench.contract.specs import ImageSpec, SequenceSpec
from ctcbench.masking.masked_sequential import takes_widths
from ctcbench.registry.attribution import attribute_errors


def require_frames(owner: str, image: ImageSpec, sequence: SequenceSpec, backbone: nn.Module) -> None:
    """Check the number of frames that a backbone with ``takes_widths`` returns for the width of its images.

    Raises:
        PluginError: it lacks the method ``frames``, or the number is not that of the columns of its features.
    """
    if not callable(getattr(backbone, "frames", None)):
        raise PluginError(f"{owner}: it has takes_widths, but no method frames(widths_N)")
    with attribute_errors(f"{owner}: its method frames failed"):
        frames_N = backbone.frames(torch.tensor([image.width]))  # type: ignore[operator]
    got = frames_N.tolist() if isinstance(frames_N, torch.Tensor) else frames_N
    if got != [sequence.frames]:
        raise PluginError(
            f"{owner}: frames({image.width}) returned {got}; its features of such images have "
            f"{sequence.frames} columns"
        )


def find_least_width(backbone: nn.Module, image: ImageSpec) -> int:
    """Return the number of columns of the narrowest image of which a backbone makes a frame."""
    if takes_widths(backbone):
        widths_W = torch.arange(1, image.width + 1)
        frames_W: Tensor = backbone.frames(widths_W)  # type: ignore[operator]
        return int((frames_W > 0).long().argmax()) + 1
    for width in range(1, image.width):
        try:
            if measure_frames(backbone, image, width):
                return width
        except RuntimeError:  # torch's error for images that are too narrow for a kernel
            continue
    return image.width


def measure_frames(backbone: nn.Module, image: ImageSpec, width: int) -> int:
    """Return the number of frames that a backbone makes of an image of zeros of this width."""
    somewhere = next(itertools.chain(backbone.parameters(), backbone.buffers()), torch.empty(0))
    zeros_NCHW = torch.zeros(1, image.channels, image.height, width, device=somewhere.device)
    was_training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            frames: int = backbone(zeros_NCHW).shape[3]
    finally:
        backbone.train(was_training)
    return frames


def count_frames(backbone: nn.Module, image: ImageSpec, widths_N: Tensor, measured: dict[int, int]) -> Tensor:
    """Return lengths_N (int64): the number of frames that a backbone makes of images of these widths.

    Args:
        backbone: one that takes widths has a method for it; any other is called once for each width.
        image: size of the images.
        widths_N: numbers of columns, int64; on the CPU if the backbone does not take widths.
        measured: frames by width that were measured before, which grows.
    """
    if takes_widths(backbone):
        frames_N: Tensor = backbone.frames(widths_N)  # type: ignore[operator]
        return frames_N
    widths = widths_N.tolist()
    for width in {*widths} - measured.keys():
        measured[width] = measure_frames(backbone, image, width)
    return torch.tensor([measured[width] for width in widths], dtype=torch.long)

"""The frames and features that a backbone and a head return, found by one call with zeros."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.contract.specs import ImageSpec, SequenceSpec
from ctcbench.masking.masked_sequential import takes_widths
from ctcbench.registry.component_checks import (
    require_backbone_features,
    require_head_features,
    require_module,
)
from ctcbench.training.recognizer.image_widths import require_frames


def makes_own_frames(head: nn.Module) -> bool:
    """Return whether each frame of a head sees the whole image, so that it chooses their number."""
    return getattr(head, "whole_image", False) is True


def probe_backbone(backbone: nn.Module, image: ImageSpec, owner: str) -> SequenceSpec:
    """Call a backbone once with zeros, and return the frames and features that it makes of an image.

    Of images of variable width it is one of the greatest width.

    Raises:
        UsageError: it can't process images of this size.
        PluginError: it is not a module, failed, or returned something else than feats_NFHW.
    """
    require_module(owner, backbone)
    size = f"{image.channels}×{image.height}×{image.width}"
    try:
        feats = _probe(backbone, torch.zeros(2, image.channels, image.height, image.width))
    except RuntimeError as error:
        raise UsageError(f"{owner}: can't take images of {size}: {error}") from error
    except Exception as error:
        raise PluginError(f"{owner}: failed for images of {size}: {error!r}") from error
    sequence = require_backbone_features(owner, image, feats)
    if takes_widths(backbone):
        require_frames(owner, image, sequence, backbone)
    return sequence


def count_rows(backbone: nn.Module, image: ImageSpec) -> int:
    """Return the number of rows of the features that a backbone, which has been probed, makes of an image."""
    feats = _probe(backbone, torch.zeros(1, image.channels, image.height, image.width))
    assert isinstance(feats, Tensor)
    return int(feats.shape[2])


def probe_head(head: nn.Module, sequence: SequenceSpec, owner: str) -> SequenceSpec:
    """Call a head once with zeros, and return the frames and features that it makes of `sequence`.

    Raises:
        PluginError: it is not a module, failed, or returned something else than feats_TND.
    """
    require_module(owner, head)
    try:
        feats = _probe(head, torch.zeros(sequence.frames, 2, sequence.features))
    except Exception as error:
        size = f"({sequence.frames}, 2, {sequence.features})"
        raise PluginError(f"{owner}: can't take features {size}: {error!r}") from error
    return require_head_features(owner, sequence, feats, own_frames=makes_own_frames(head))


@torch.no_grad()
def _probe(module: nn.Module, zeros: Tensor) -> object:
    """Call a module once with zeros, in evaluation mode, so that no running statistic moves."""
    was_training = module.training
    module.eval()
    try:
        return module(zeros)
    finally:
        module.train(was_training)

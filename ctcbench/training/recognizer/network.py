"""The recogniser: backbone, fold, head, classifier, and the shortcut around the head.

Shape letters: N batch, C channels, H height, W width, F features, T frames, D head width,
K classes with the blank.
"""

from __future__ import annotations

from typing import NamedTuple, TypeGuard

import torch
from torch import Tensor, nn

from ctcbench.config.recipe import Recipe
from ctcbench.config.run_config import Shortcut
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.contract.specs import Alignment, Alphabet, ImageSpec, SequenceSpec


class RecognizerOutput(NamedTuple):
    """What a recogniser says of a batch: logits, and those of the auxiliary classifier if it has one."""

    logits_TNK: Tensor
    aux_TNK: Tensor | None


class Recognizer(nn.Module):
    """Images to logits over classes, a frame at a time.

    With the shortcut ``sum`` a second linear classifier reads the folded backbone features and its
    logits are added, so that gradients reach the backbone from the first step, whatever the head
    does. With ``aux`` its logits get a loss of their own; with ``none`` there is no such classifier.
    ``sequence`` is what the backbone gives, ``output`` what the head makes of it; ``alignment`` says how
    its frames are to be read.
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        image: ImageSpec,
        sequence: SequenceSpec,
        output: SequenceSpec,
        alphabet: Alphabet,
        shortcut: Shortcut,
        alignment: Alignment = "ctc",
    ) -> None:
        super().__init__()
        self.image, self.sequence, self.output, self.alphabet = image, sequence, output, alphabet
        self.alignment = alignment
        self.backbone, self.head = backbone, head
        self._is_recurrent = any(isinstance(module, nn.RNNBase) for module in head.modules())
        self.classifier = nn.Linear(output.features, alphabet.num_classes)
        # Around a head that does nothing, the shortcut would be the same classifier twice.
        self.shortcut = "none" if isinstance(head, nn.Identity) else shortcut
        self.bypass = None if self.shortcut == "none" else nn.Linear(sequence.features, alphabet.num_classes)

    def forward(self, images_NCHW: Tensor) -> RecognizerOutput:
        """Return the logits of uint8 images (dark on light, as they are drawn)."""
        feats_TNF = fold(self.backbone(scale(images_NCHW)))
        logits_TNK = self.classifier(self._sequence(feats_TNF))
        if self.bypass is None:
            return RecognizerOutput(logits_TNK, None)
        bypass_TNK = self.bypass(feats_TNF)
        if self.shortcut == "sum":
            return RecognizerOutput(logits_TNK + bypass_TNK, None)
        return RecognizerOutput(logits_TNK, bypass_TNK if self.training else None)

    def _sequence(self, feats_TNF: Tensor) -> Tensor:
        """Return what the head makes of the features."""
        feats_TND: Tensor
        if self._is_recurrent and feats_TNF.is_cuda and torch.get_autocast_dtype("cuda") is torch.bfloat16:
            # Mixed precision computes cuDNN's recurrent layers in float16, whichever type it was asked for,
            # and with bfloat16 nothing scales their gradients into its range.
            with torch.autocast("cuda", enabled=False):
                feats_TND = self.head(feats_TNF.float())
        else:
            feats_TND = self.head(feats_TNF)
        return feats_TND

    def frames(self, widths_N: Tensor) -> Tensor:
        """Return how many frames of each image count, from how many of its columns do (lengths_N, int64)."""
        if makes_own_frames(self.head):
            return torch.full_like(widths_N, self.output.frames, dtype=torch.long)
        frames = torch.ceil(widths_N.double() * self.sequence.frames / self.image.width).long()
        return frames.clamp(1, self.sequence.frames)


def scale(images_NCHW: Tensor) -> Tensor:
    """Return uint8 images as float32, inverted: paper 0, ink up to 1."""
    return 1.0 - images_NCHW.float() / 255.0


def fold(feats_NFHW: Tensor) -> Tensor:
    """Return feats_TNF: columns become frames, rows and channels become features."""
    return feats_NFHW.flatten(1, 2).permute(2, 0, 1)


def build_recognizer(recipe: Recipe, image: ImageSpec, alphabet: Alphabet) -> Recognizer:
    """Build the recogniser that a configuration names; weights come from torch's generator.

    Raises:
        UsageError: the image is too small for the backbone, or the shortcut does not go with the head.
        PluginError: the backbone or the head returns something of another shape than agreed.
    """
    config = recipe.config
    backbone = recipe.build("backbone", image)
    sequence = probe_backbone(backbone, image, config.backbone)
    head = recipe.build("head", sequence)
    output = probe_head(head, sequence, config.head)
    if config.shortcut != "none" and makes_own_frames(head):
        raise UsageError(
            f"--shortcut {config.shortcut} lets the classifier see the backbone's {sequence.frames} frames, "
            f"but --head {config.head} makes {output.frames} of its own: use --shortcut none"
        )
    return Recognizer(backbone, head, image, sequence, output, alphabet, config.shortcut, recipe.alignment)


def makes_own_frames(head: nn.Module) -> bool:
    """Say whether a head's frames are of the whole image, as many as it likes, and not of places in it."""
    return getattr(head, "whole_image", False) is True


def probe_backbone(backbone: nn.Module, image: ImageSpec, name: str) -> SequenceSpec:
    """Return what a backbone makes of images of this size, found by calling it once with zeros.

    Raises:
        UsageError: it can't take them.
        PluginError: it returns something else than feats_NFHW.
    """
    _require_module(backbone, "backbone", name)
    size = f"{image.channels}×{image.height}×{image.width}"
    try:
        feats = _probe(backbone, torch.zeros(2, image.channels, image.height, image.width))
    except RuntimeError as error:
        raise UsageError(f"backbone {name}: can't take images of {size}: {error}") from error
    except Exception as error:
        raise PluginError(f"backbone {name}: failed for images of {size}: {error!r}") from error
    if not _is_float(feats, 4) or len(feats) != 2 or 0 in feats.shape:
        raise PluginError(
            f"backbone {name}: for images (2, {size}) expected features (2, F, H, W), got {_shape(feats)}"
        )
    return SequenceSpec(frames=feats.shape[3], features=feats.shape[1] * feats.shape[2])


def probe_head(head: nn.Module, sequence: SequenceSpec, name: str) -> SequenceSpec:
    """Return what a head makes of such features (T frames of D), found by calling it once with zeros.

    Raises:
        PluginError: it can't take them, or returns something else than feats_TND.
    """
    _require_module(head, "head", name)
    size = f"({sequence.frames}, 2, {sequence.features})"
    try:
        feats = _probe(head, torch.zeros(sequence.frames, 2, sequence.features))
    except Exception as error:
        raise PluginError(f"head {name}: can't take features {size}: {error!r}") from error
    whole = makes_own_frames(head)
    if (
        not _is_float(feats, 3)
        or feats.shape[1] != 2
        or 0 in feats.shape
        or not (whole or len(feats) == sequence.frames)
    ):
        raise PluginError(
            f"head {name}: for features {size} "
            f"expected ({'T' if whole else sequence.frames}, 2, D), got {_shape(feats)}"
        )
    return SequenceSpec(frames=feats.shape[0], features=feats.shape[2])


@torch.no_grad()
def _probe(module: nn.Module, zeros: Tensor) -> object:
    """Call a module once with zeros, in evaluation mode, so that no running statistic moves."""
    was_training = module.training
    module.eval()
    try:
        return module(zeros)
    finally:
        module.train(was_training)


def _require_module(built: object, kind: str, name: str) -> None:
    if not isinstance(built, nn.Module):
        raise PluginError(
            f"{kind} {name}: its builder returned {type(built).__name__}, not a torch.nn.Module"
        )


def _is_float(value: object, dimensions: int) -> TypeGuard[Tensor]:
    return isinstance(value, Tensor) and value.dtype is torch.float32 and value.ndim == dimensions


def _shape(value: object) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    of = "" if value.dtype is torch.float32 else f" of {value.dtype}, not torch.float32"
    return f"{tuple(value.shape)}{of}"

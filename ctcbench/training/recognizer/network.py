"""Recognizer: the network of backbone, fold, head and classifier, with a shortcut around the head.

Shape letters: N batch, C channels, H height, W width, F features, T frames, D head width,
K classes with the blank.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctcbench.config.recipe import Recipe
from ctcbench.config.run_config import Shortcut
from ctcbench.contract.components import Kind
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alignment, Alphabet, ImageSpec, SequenceSpec
from ctcbench.files.pixel_levels import WHITE
from ctcbench.masking.masked_sequential import takes_widths
from ctcbench.training.recognizer.image_widths import count_frames, find_least_width
from ctcbench.training.recognizer.module_probe import makes_own_frames, probe_backbone, probe_head
from ctcbench.training.recognizer.stored_shapes import Shapes, require_classes, require_shapes


class RecognizerOutput(NamedTuple):
    """Logits of a batch, and those of the auxiliary classifier if the recogniser has one, else None."""

    logits_TNK: Tensor
    aux_TNK: Tensor | None


class Recognizer(nn.Module):
    """Network from images to logits over the classes, for each frame.

    The shortcut is a second linear classifier on the folded backbone features. With ``sum`` its logits
    are added to those of the head's classifier, so that gradients reach the backbone from the first
    step, whatever the head does. With ``aux`` they have a loss of their own. With ``none`` there is no
    shortcut.

    Attributes:
        image: size of the images.
        sequence: frames and features that the backbone returns.
        output: frames and features that the head returns.
        alignment: how the loss aligns frames to characters.
        unmasked: the parts that don't mask padding (`takes_widths`), of backbone and head. With one of them
            the images of a batch need the same width.
        least_width: columns of the narrowest image of which the backbone makes a frame.
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
        self.unmasked: tuple[Kind, ...] = () if takes_widths(backbone) else ("backbone",)
        self.unmasked += () if takes_widths(head) else ("head",)
        self.least_width = find_least_width(backbone, image) if image.variable else image.width
        self._measured: dict[int, int] = {}
        self._is_recurrent = any(isinstance(module, nn.RNNBase) for module in head.modules())
        self.classifier = nn.Linear(output.features, alphabet.num_classes)
        # If the head is the identity, the shortcut would be the same classifier twice.
        self.shortcut = "none" if isinstance(head, nn.Identity) else shortcut
        self.bypass = None if self.shortcut == "none" else nn.Linear(sequence.features, alphabet.num_classes)
        self._freezes_backbone = False

    def freeze_backbone(self) -> None:
        """Keep the backbone as it is in training: its parameters and the statistics of its batch norms."""
        self._freezes_backbone = True
        self.backbone.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Recognizer:
        """Set training or evaluation mode; a frozen backbone stays in evaluation mode."""
        super().train(mode)
        if self._freezes_backbone:
            self.backbone.eval()
        return self

    def forward(self, images_NCHW: Tensor, widths_N: Tensor | None = None) -> RecognizerOutput:
        """Return the logits of images_NCHW: uint8 (or augmented, float32, 0 to 255), dark on light.

        Args:
            images_NCHW: the images.
            widths_N: number of columns of each image before its padding, int64, on the device of the images.
                The padding is masked, unless the recogniser has ``unmasked`` parts. None: no image is padded.
        """
        lengths_N = None
        if widths_N is None:
            feats_NFHW = self.backbone(scale(images_NCHW))
        else:
            missing = max(0, self.least_width - images_NCHW.shape[3])
            images_NCHW = F.pad(images_NCHW, (0, missing), value=WHITE)
            if self.unmasked:
                feats_NFHW = self.backbone(scale(images_NCHW))
            else:
                widths_N = widths_N.clamp(min=self.least_width)
                lengths_N = count_frames(self.backbone, self.image, widths_N, self._measured)
                feats_NFHW = self.backbone(scale(images_NCHW), widths_N)
        feats_TNF = fold(feats_NFHW)
        logits_TNK = self.classifier(self._sequence(feats_TNF, lengths_N))
        if self.bypass is None:
            return RecognizerOutput(logits_TNK, None)
        bypass_TNK = self.bypass(feats_TNF)
        if self.shortcut == "sum":
            return RecognizerOutput(logits_TNK + bypass_TNK, None)
        return RecognizerOutput(logits_TNK, bypass_TNK if self.training else None)

    def _sequence(self, feats_TNF: Tensor, lengths_N: Tensor | None) -> Tensor:
        feats_TND: Tensor
        # The identity takes widths, but no second argument.
        lengths = () if lengths_N is None or isinstance(self.head, nn.Identity) else (lengths_N,)
        if self._is_recurrent and feats_TNF.is_cuda and torch.get_autocast_dtype("cuda") is torch.bfloat16:
            # Autocast runs cuDNN's recurrent layers in float16 even when it is set to bfloat16, and with
            # bfloat16 no gradient scaler keeps their gradients in the range of float16.
            with torch.autocast("cuda", enabled=False):
                feats_TND = self.head(feats_TNF.float(), *lengths)
        else:
            feats_TND = self.head(feats_TNF, *lengths)
        return feats_TND

    def frames(self, widths_N: Tensor) -> Tensor:
        """Return lengths_N (int64): the number of valid frames of each image.

        Args:
            widths_N: number of columns of each image without padding, int64.
        """
        if self.image.variable:
            widths_N = widths_N.clamp(min=self.least_width)
            return count_frames(self.backbone, self.image, widths_N, self._measured)
        if makes_own_frames(self.head):
            return torch.full_like(widths_N, self.output.frames, dtype=torch.long)
        # Rounded up: a frame that sees a column of the text counts, even if it sees padding too.
        frames = torch.ceil(widths_N.double() * self.sequence.frames / self.image.width).long()
        return frames.clamp(1, self.sequence.frames)

    def batch_frames(self, widths_N: Tensor, logits_TNK: Tensor) -> Tensor:
        """Return the `frames` of a training batch; no value of `widths_N` is read on the host.

        Args:
            widths_N: number of columns of each image without padding, int64.
            logits_TNK: the logits of the images.
        """
        if self.image.variable and "backbone" in self.unmasked:
            # All images have the same width. How many frames such a backbone makes of it is only known by
            # running it, and measured frames are looked up by widths on the host: a CUDA graph can't do that.
            return torch.full_like(widths_N, len(logits_TNK), dtype=torch.long)
        return self.frames(widths_N)


def network_widths(model: Recognizer, images_NCHW: Tensor, widths_N: Tensor) -> tuple[Tensor, ...]:
    """Return what a recogniser takes after the images: their widths if they have different ones."""
    return (widths_N.to(images_NCHW.device, non_blocking=True),) if model.image.variable else ()


def scale(images_NCHW: Tensor) -> Tensor:
    """Return images with levels 0 to 255 as float32, inverted: white becomes 0, black 1."""
    # Paper becomes 0, which is also what convolutions pad the edges with.
    return 1.0 - images_NCHW.float() / 255.0


def fold(feats_NFHW: Tensor) -> Tensor:
    """Return feats_TNF from feats_NFHW: columns become frames, channels and rows become features."""
    return feats_NFHW.flatten(1, 2).permute(2, 0, 1)


def build_recognizer(
    recipe: Recipe, image: ImageSpec, alphabet: Alphabet, shapes: Shapes | None = None
) -> Recognizer:
    """Build the recogniser of a configuration, with initial weights from torch's random generator.

    Args:
        recipe: settings and components.
        image: size of the images.
        alphabet: characters of the texts.
        shapes: shapes of stored weights that the recogniser must have; nothing larger than they are is
            built.

    Raises:
        UsageError: the image is too small for the backbone, or the head does not allow the shortcut.
        PluginError: the backbone or the head returns another shape than its contract requires.
        WrongShapes: the recogniser does not have the shapes.
    """
    config = recipe.config
    if shapes is not None:
        require_classes(alphabet, shapes)
        require_shapes(recipe, "backbone", image, shapes)
    backbone = recipe.build("backbone", image)
    sequence = probe_backbone(backbone, image, recipe.describe_owner("backbone"))
    if shapes is not None:
        require_shapes(recipe, "head", sequence, shapes)
    head = recipe.build("head", sequence)
    output = probe_head(head, sequence, recipe.describe_owner("head"))
    if image.variable and makes_own_frames(head):
        raise UsageError(
            f"--head {config.head} needs the same number of frames for all images, but those of --dataset "
            f"{config.dataset} have widths of their own; use fit=pad or fit=stretch, or another head"
        )
    if config.shortcut != "none" and makes_own_frames(head):
        raise UsageError(
            f"--shortcut {config.shortcut} lets the classifier see the backbone's {sequence.frames} frames, "
            f"but --head {config.head} makes {output.frames} of its own: use --shortcut none"
        )
    return Recognizer(backbone, head, image, sequence, output, alphabet, config.shortcut, recipe.alignment)

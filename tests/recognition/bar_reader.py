"""A reader of vertical bars that has no weights, its recogniser, and pictures of bars."""

import contextlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ctcbench import Alphabet, ImageSpec
from ctcbench.contract.specs import Alignment
from ctcbench.recognition.recogniser import Recogniser
from ctcbench.registry.component_registry import Registry

FRAMES, BLANK_LOGIT, LABEL_LOGIT = 20, 5.0, 8.0
SPEC = ImageSpec(10, 2 * FRAMES)


@dataclass(frozen=True)
class BarReader:
    """Reads vertical bars: of frame t it looks at two columns, and a dark one is the class of its level."""

    alphabet: Alphabet
    image: ImageSpec = SPEC
    alignment: Alignment = "ctc"
    has_positions: bool = True

    @property
    def widest(self):
        return self.image.width

    def shared_by(self, threads):
        return contextlib.nullcontext(lambda: None)

    def read(self, images_NCHW, widths_N):
        # Resized bars are lighter or darker by a few levels at their edges.
        columns_NT = np.median(images_NCHW[:, 0], 1).reshape(len(images_NCHW), FRAMES, 2).mean(2)
        logits_NTK = np.zeros((*columns_NT.shape, self.alphabet.num_classes), np.float32)
        logits_NTK[..., 0] = BLANK_LOGIT
        for label in range(1, self.alphabet.num_classes):
            logits_NTK[..., label] += LABEL_LOGIT * (abs(columns_NT - 50 * label + 50) < 20)
        log_probs_NTK = logits_NTK - np.log(np.exp(logits_NTK).sum(-1, keepdims=True))
        return log_probs_NTK, np.maximum(1, widths_N // 2)


def recogniser(registry: Registry, alphabet="abc", fit="stretch", direction="ltr", **options):
    return Recogniser(BarReader(Alphabet(alphabet, direction), **options), registry, "greedy", fit)


def bars(*columns, width=40, height=10):
    """A picture with a bar in some columns, the first of the level of class 1, the next of class 2, …"""
    picture = np.full((height, width), 255, np.uint8)
    for label, (left, right) in enumerate(columns):
        picture[:, left:right] = 50 * label
    return Image.fromarray(picture)

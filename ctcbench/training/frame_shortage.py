"""Texts that need more frames than their images have, so that no alignment of them exists."""

from __future__ import annotations

import torch

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import Samples
from ctcbench.contract.specs import frames_needed
from ctcbench.data.rejected_samples import RejectedSample
from ctcbench.training.recognizer.module_probe import makes_own_frames
from ctcbench.training.recognizer.network import Recognizer

_SHOWN = 60  # characters of a text that a message quotes


def find_too_long_texts(samples: Samples, model: Recognizer) -> list[RejectedSample]:
    """Return the samples whose text has no alignment in the frames of its image, in their order.

    With CTC a text needs a frame for each character and one for each pair of equal neighbours; with a fixed
    alignment it needs one for each character. Narrow images with padding have fewer frames than others.
    Characters that the alphabet lacks need frames like all others.
    """
    frames_N = model.frames(torch.from_numpy(samples.widths_N).long()).tolist()
    found = []
    for index, (text, frames) in enumerate(zip(samples.texts, frames_N, strict=True)):
        # In the order of the frames: right-to-left text has other neighbours along them.
        needed = frames_needed(model.alphabet.frame_order(text), model.alignment)
        if needed > frames:
            reason = f"text {_shortened(text)} needs {needed} frames, its image has {frames}"
            found.append(RejectedSample(index, samples.names[index], reason))
    return found


def describe_frames(model: Recognizer, config: RunConfig) -> tuple[str, str]:
    """Return what decides the number of frames, in words, and how to get a text and its frames to match."""
    rule = "characters + adjacent repeats" if model.alignment == "ctc" else "one per character"
    if makes_own_frames(model.head):
        remedy = "use a head with more frames, or shorter texts"
        return f"the frames of head {config.head} (needed: {rule})", remedy
    return (
        f"the frames that backbone {config.backbone} makes of their images (needed: {rule})",
        "use wider images (width=, or height= with fit=keep), a backbone that pools less or shorter texts; a "
        "picture shows one line of text",
    )


def _shortened(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")

"""The scale of a study: a factor that makes configurations smaller."""

from __future__ import annotations

import math
from typing import Any

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show

SCALED = ("train_samples", "val_samples", "test_samples", "epochs")
# Scaling stops at these numbers (or at the original, if that is lower): with fewer test images the confidence
# interval of an accuracy is too wide to compare, and so small a training needs no scaling.
FEWEST = {"train_samples": 16, "val_samples": 16, "test_samples": 100, "epochs": 1}


def read_scale(given: Any) -> float:
    """Return `given` as a scale: a number above 0 and at most 1.

    Raises:
        UsageError: `given` is not such a number.
    """
    try:
        # In Python true is the number 1; in a study file it is a mistake.
        scale = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        scale = math.nan
    if not 0 < scale <= 1:
        raise UsageError(f"scale {show(given)}: expected a number above 0, at most 1")
    return scale


def scale_config(config: RunConfig, scale: float) -> RunConfig:
    """Return `config` with images and epochs times `scale`, rounded up, and not below `FEWEST`.

    A configuration that trains on no more than the fewest training images is returned unchanged.
    """
    if scale == 1 or config.train_samples <= FEWEST["train_samples"]:
        return config
    sizes = {name: getattr(config, name) for name in SCALED}
    return config.replace(**{name: max(_times(n, scale), min(n, FEWEST[name])) for name, n in sizes.items()})


def scale_note(scale: float) -> str:
    """Return a note on the scale for tables, or an empty text for scale 1."""
    return "" if scale == 1 else f"scaled to {scale:g} of images and epochs"


def _times(number: int, scale: float) -> int:
    # In binary, 0.1 · 30 is slightly above 3; without rounding first, it would become 4 epochs.
    return math.ceil(round(number * scale, 9))

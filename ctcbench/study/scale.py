"""The scale of a study: a factor that makes configurations smaller."""

from __future__ import annotations

import math
from typing import Any

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show

SCALED = ("train_samples", "val_samples", "test_samples", "epochs")
# Of what is scaled, no less than this stays (where there was as much): with fewer test images a share
# says nothing, and what trains on this few images is small as it is.
FEWEST = {"train_samples": 16, "val_samples": 16, "test_samples": 100, "epochs": 1}


def read_scale(given: Any) -> float:
    """Return a scale: a number above 0, at most 1.

    Raises:
        UsageError: it is none.
    """
    try:
        scale = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        scale = math.nan
    if not 0 < scale <= 1:
        raise UsageError(f"scale {show(given)}: expected a number above 0, at most 1")
    return scale


def scale_config(config: RunConfig, scale: float) -> RunConfig:
    """Return `config` with images and epochs times `scale`, rounded up, and not below `FEWEST`.

    One that trains on no more images than the fewest stays whole, epochs too: there is nothing to save.
    """
    if scale == 1 or config.train_samples <= FEWEST["train_samples"]:
        return config
    sizes = {name: getattr(config, name) for name in SCALED}
    return config.replace(**{name: max(_times(n, scale), min(n, FEWEST[name])) for name, n in sizes.items()})


def scale_note(scale: float) -> str:
    """Return what a table says of a scale; an empty text where nothing is scaled."""
    return "" if scale == 1 else f"scaled to {scale:g} of images and epochs"


def _times(number: int, scale: float) -> int:
    # 0.1 · 30 is a little above 3 in binary: without the rounding that would be 4 epochs.
    return math.ceil(round(number * scale, 9))

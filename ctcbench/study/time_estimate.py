"""TimeEstimate: how long a model will take, from those of its kind that are done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ctcbench.config.run_config import AFTER_TRAINING, RunConfig
from ctcbench.contract.errors import CtcbenchError
from ctcbench.results.run_folder import RunFolder

# A process, torch and its images take a while to be there; drawing images is not counted at all.
_START_SECONDS = 5.0
_DECODE_SECONDS = 2.0


@dataclass(frozen=True)
class TrialTiming:
    """What a model that is done took, from start to results."""

    config: RunConfig
    seconds: float

    @classmethod
    def of(cls, config: RunConfig, folder: RunFolder, record: Mapping[str, Any]) -> TrialTiming | None:
        """Return the time of a finished run: as a study recorded it, or from what its training says."""
        if not folder.is_finished:
            return None
        if record.get("state") == "done" and record.get("whole"):
            return cls(config, float(record["seconds"]))
        with contextlib.suppress(CtcbenchError, KeyError, TypeError, ValueError):
            summary = folder.read_summary()
            validation = float(summary["training"]["validation_seconds"])
            return cls(config, float(summary["train_seconds"]) + validation + _START_SECONDS)
        return None


class TimeEstimate:
    """Times that are known, and guesses from them: the nearest kind of model counts."""

    def __init__(self, known: Iterable[TrialTiming]) -> None:
        self._known = list(known)

    def seconds(self, config: RunConfig, decodings: int, *, trained: bool) -> float | None:
        """Return how long a model may take: like itself but for the seed, else by images and kind."""
        if trained:
            return _START_SECONDS / 2 + _DECODE_SECONDS * decodings
        alike = [t.seconds for t in self._known if _but_seed(t.config) == _but_seed(config)]
        if alike:
            return fmean(alike)
        kin = [t for t in self._known if _parts(t.config) == _parts(config)] or self._known
        if not kin:
            return None
        return fmean(t.seconds / _images(t.config) for t in kin) * _images(config)


def _but_seed(config: RunConfig) -> dict[str, Any]:
    return {k: v for k, v in config.model_dump().items() if k != "seed" and k not in AFTER_TRAINING}


def _parts(config: RunConfig) -> tuple[str, ...]:
    return (config.dataset, config.backbone, config.head, config.device)


def _images(config: RunConfig) -> int:
    whole = config.train_samples * config.epochs
    return min(whole, config.max_steps * config.batch_size) if config.max_steps else whole

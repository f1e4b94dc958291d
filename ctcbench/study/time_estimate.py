"""TimeEstimate: how long a model will take, estimated from finished models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ctcbench.config.run_config import AFTER_TRAINING, RunConfig
from ctcbench.contract.errors import CtcbenchError
from ctcbench.results.run_folder import RunFolder

# Rough seconds for the start of a process that imports torch, and for one decoding. Drawing the images is not
# included, because they may be in the cache.
_START_SECONDS = 5.0
_DECODE_SECONDS = 2.0


@dataclass(frozen=True)
class TrialTiming:
    """The time that a finished model took, from the start of its process to its results."""

    config: RunConfig
    seconds: float

    @classmethod
    def of(cls, config: RunConfig, folder: RunFolder, record: Mapping[str, Any]) -> TrialTiming | None:
        """Return the time of a finished run, from the record of its trial or else from its summary."""
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
    """Estimates from the times of finished models; the most similar ones are used."""

    def __init__(self, known: Iterable[TrialTiming]) -> None:
        self._known = list(known)

    def seconds(
        self, config: RunConfig, decodings: int, *, trained: bool, expected: float | None = None
    ) -> float | None:
        """Return the estimated seconds for a model, or None if no model is finished.

        Args:
            config: settings of the model.
            decodings: number of pending decodings.
            trained: whether only decoding is pending.
            expected: seconds of training that a budget expects, used where no such model is finished.
        """
        # The most similar models are used: those that differ only in the seed, else those with the same
        # components, else all. The time is proportional to the number of training images.
        if trained:
            return _START_SECONDS / 2 + _DECODE_SECONDS * decodings
        same = [t.seconds for t in self._known if _without_seed(t.config) == _without_seed(config)]
        if same:
            return fmean(same)
        if expected is not None:
            return _START_SECONDS + expected + _DECODE_SECONDS * decodings
        similar = [t for t in self._known if _parts(t.config) == _parts(config)] or self._known
        if not similar:
            return None
        return fmean(t.seconds / _images(t.config) for t in similar) * _images(config)


def _without_seed(config: RunConfig) -> dict[str, Any]:
    return {k: v for k, v in config.model_dump().items() if k != "seed" and k not in AFTER_TRAINING}


def _parts(config: RunConfig) -> tuple[str, ...]:
    return (config.dataset, config.backbone, config.head, config.device)


def _images(config: RunConfig) -> int:
    # max_steps ends a training early.
    images = config.train_samples * config.epochs
    return min(images, config.max_steps * config.batch_size) if config.max_steps else images

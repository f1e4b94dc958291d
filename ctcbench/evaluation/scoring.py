"""score(): predictions compared with targets by every metric of the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.evaluation import metrics
from ctcbench.evaluation.collapse import has_collapsed
from ctcbench.evaluation.confidence_intervals import RESAMPLES, SEED
from ctcbench.evaluation.metrics import Measured
from ctcbench.evaluation.score import Score


def score(
    predictions: Sequence[str],
    targets: Sequence[str],
    split: SplitName,
    *,
    blank_probability: float | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Score:
    """Return the score of `predictions` against `targets`.

    Args:
        predictions: decoded texts, one per image.
        targets: true texts, in the same order.
        split: name of the split, recorded in the score.
        blank_probability: recorded in the score (`collapse.blank_probability` computes it).
        resamples: number of resamples of each bootstrap interval.
        seed: seed of the bootstrap.

    Raises:
        UsageError: there are no images, or every target is empty.
        ValueError: predictions and targets differ in number.
    """
    return Score(
        split=split,
        images=len(targets),
        metrics=measure(predictions, targets, f"split {split!r}", resamples=resamples, seed=seed),
        empty_outputs=sum(not p for p in predictions) / len(targets),
        mean_length=sum(map(len, predictions)) / len(targets),
        collapsed=has_collapsed(predictions, targets),
        blank_probability=blank_probability,
    )


def measure(
    predictions: Sequence[str],
    targets: Sequence[str],
    what: str,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Measured]:
    """Return every metric of the table by its name; arguments are those of `score`, `what` is for errors.

    Raises:
        UsageError: there are no images, or every target is empty.
        ValueError: predictions and targets differ in number.
    """
    if len(predictions) != len(targets):
        raise ValueError(f"{len(predictions)} predictions, but {len(targets)} targets")
    if not targets:
        raise UsageError(f"{what} has no images: there is nothing to score")
    # The CER would be edits divided by 0.
    if not any(targets):
        raise UsageError(f"{what}: every target is empty: there is nothing to score")
    # Read at call time, not at import: a test or a plugin may have changed the table.
    measured = {}
    for metric in metrics.METRICS:
        values = [metric.of_image(p, t) for p, t in zip(predictions, targets, strict=True)]
        measured[metric.name] = metric.aggregate(values, targets, resamples, seed)
    return measured


def edit_distances(predictions: Sequence[str], targets: Sequence[str]) -> NDArray[np.int64]:
    """Return the Levenshtein distance of every pair of texts."""
    pairs = zip(predictions, targets, strict=True)
    return np.array([metrics.edit_distance(p, t) for p, t in pairs], dtype=np.int64)

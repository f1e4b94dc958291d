"""Quality of confidences: reliability bins, calibration errors, accuracy against coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctcbench.evaluation.confidence_intervals import wilson
from ctcbench.evaluation.seed_statistics import Interval

BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """The texts whose confidence is from ``low`` to below ``high``; the last bin includes 1.

    ``confidence`` is the mean confidence of the ``count`` texts, ``accuracy`` the share of them that is
    right, and ``interval`` Wilson's 95 % interval of that share.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class CoveragePoint:
    """The most confident texts, a share ``coverage`` of all.

    ``confidence`` is the lowest among them, ``accuracy`` the share of them that is right.
    """

    coverage: float
    confidence: float
    accuracy: float


def reliability_bins(
    confidences: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> list[ReliabilityBin]:
    """Return the bins of equal width that hold texts, in ascending order (DeGroot and Fienberg 1983).

    Args:
        confidences: one a text, 0 to 1.
        right: whether each text is right.
        bins: number of bins between 0 and 1.
    """
    confidences_N, right_N = _arrays(confidences, right)
    places_N = np.minimum((confidences_N * bins).astype(np.int64), bins - 1)
    found = []
    for place in np.unique(places_N).tolist():
        inside_N = places_N == place
        count, successes = int(inside_N.sum()), int(right_N[inside_N].sum())
        found.append(
            ReliabilityBin(
                low=place / bins,
                high=(place + 1) / bins,
                count=count,
                confidence=float(confidences_N[inside_N].mean()),
                accuracy=successes / count,
                interval=wilson(successes, count),
            )
        )
    return found


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the ECE (Naeini, Cooper and Hauskrecht 2015): how far confidence and accuracy are apart.

    It is the mean over texts of the absolute difference between the mean confidence and the accuracy of a
    text's bin.

    Raises:
        ValueError: there are no bins.
    """
    if not bins:
        raise ValueError("a calibration error needs at least one text")
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.accuracy - one.confidence) for one in bins) / total


def brier_score(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean squared difference between confidence and outcome (Brier 1950); 0 is the best."""
    confidences_N, right_N = _arrays(confidences, right)
    return float(((confidences_N - right_N) ** 2).mean())


def coverage_curve(confidences: Sequence[float], right: Sequence[bool]) -> list[CoveragePoint]:
    """Return the accuracy of the most confident texts, for every number of them (El-Yaniv and Wiener 2010).

    A point accepts every text with a confidence of at least its own, so texts of equal confidence are
    accepted together. Points are in ascending order of coverage; the last has all texts.
    """
    confidences_N, right_N = _arrays(confidences, right)
    order_N = np.argsort(-confidences_N, kind="stable")
    sorted_N = confidences_N[order_N]
    accepted_N = np.arange(1, len(sorted_N) + 1)
    accuracies_N = np.cumsum(right_N[order_N]) / accepted_N
    # The last of each group of equal confidences.
    is_last_N = np.append(sorted_N[1:] != sorted_N[:-1], True)
    return [
        CoveragePoint(int(count) / len(sorted_N), float(confidence), float(accuracy))
        for count, confidence, accuracy in zip(
            accepted_N[is_last_N], sorted_N[is_last_N], accuracies_N[is_last_N], strict=True
        )
    ]


def coverage_at(curve: Sequence[CoveragePoint], accuracy: float) -> CoveragePoint | None:
    """Return the point of the highest coverage that has at least this accuracy; None if no point has."""
    return next((point for point in reversed(curve) if point.accuracy >= accuracy), None)


def _arrays(
    confidences: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(confidences) != len(right) or not len(right):
        raise ValueError(f"{len(confidences)} confidences for {len(right)} texts: one each, at least one")
    return np.asarray(confidences, np.float64), np.asarray(right, np.float64)

"""Confidence of the texts of runs: calibration, and accuracy against coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ctcbench.evaluation.confidence_intervals import wilson
from ctcbench.evaluation.reliability import (
    CoveragePoint,
    ReliabilityBin,
    brier_score,
    coverage_at,
    coverage_curve,
    expected_calibration_error,
    reliability_bins,
)
from ctcbench.reporting.members import Member

# Accuracies for which a reader wants to know how many texts can be accepted.
WANTED = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


@dataclass(frozen=True)
class ConfidenceSummary:
    """How well the confidences of runs agree with what is right.

    Attributes:
        texts: number of texts with a confidence, of all runs.
        runs: number of runs that have confidences.
        ece: expected calibration error, mean over the runs.
        brier: Brier score, mean over the runs.
        bins: reliability bins of the texts of all runs; their intervals count a text once, however many
            runs read it.
        coverage: accuracy of the most confident texts, of all runs together.
    """

    texts: int
    runs: int
    ece: float
    brier: float
    bins: tuple[ReliabilityBin, ...]
    coverage: tuple[CoveragePoint, ...]

    @property
    def accepted(self) -> list[tuple[float, CoveragePoint]]:
        """The accuracies of `WANTED` above that of all texts, and the largest coverage with each."""
        overall = self.coverage[-1].accuracy
        found = [(wanted, coverage_at(self.coverage, wanted)) for wanted in WANTED if wanted > overall]
        return [(wanted, point) for wanted, point in found if point is not None]


def summarise_confidence(members: Sequence[Member]) -> ConfidenceSummary | None:
    """Return the summary of the texts of runs; None if no run has stored confidences."""
    runs = [found for member in members if (found := _outcomes(member))[0]]
    if not runs:
        return None
    sure = [value for confidences, _ in runs for value in confidences]
    right = [is_right for _, outcomes in runs for is_right in outcomes]
    return ConfidenceSummary(
        texts=len(sure),
        runs=len(runs),
        # Of each run by itself: errors of two models in opposite directions would cancel out.
        ece=fmean(expected_calibration_error(reliability_bins(*run)) for run in runs),
        brier=fmean(brier_score(*run) for run in runs),
        bins=tuple(_count_once(one, len(runs)) for one in reliability_bins(sure, right)),
        coverage=tuple(coverage_curve(sure, right)),
    )


def _outcomes(member: Member) -> tuple[list[float], list[bool]]:
    """Return the confidences of the texts that have one, and whether each text is right."""
    stored = member.predictions
    if stored is None or stored.confidences is None:
        return [], []
    texts = zip(stored.confidences, stored.texts, stored.targets, strict=True)
    known = [(sure, text == target) for sure, text, target in texts if sure is not None]
    return [sure for sure, _ in known], [is_right for _, is_right in known]


def _count_once(one: ReliabilityBin, runs: int) -> ReliabilityBin:
    # Runs read the same images, so their texts are not independent.
    n = max(1, round(one.count / runs))
    return ReliabilityBin(
        one.low, one.high, one.count, one.confidence, one.accuracy, wilson(round(one.accuracy * n), n)
    )

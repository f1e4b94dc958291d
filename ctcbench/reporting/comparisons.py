"""Paired tests between rows on the same test images, corrected for there being many."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ctcbench.evaluation.paired_tests import Bootstrapped, bootstrap_test, holm, mcnemar, resampled_ratios
from ctcbench.evaluation.scoring import edit_distances
from ctcbench.evaluation.seed_statistics import TTest, paired_t, welch_t
from ctcbench.reporting.report_model import Comparison, Interval, Row, Test, Verdict

# Beyond this many rows, each is compared with the best alone: thousands of tests take their time, and
# Holm's correction leaves hardly one of them significant.
ALL_PAIRS = 40


@dataclass(frozen=True)
class _Reading:
    """A row's readings of the images: how many of its runs were right, and their edits' mean."""

    row: Row
    runs: int
    right_N: NDArray[np.int64]
    edits_N: NDArray[np.float64]


@dataclass(frozen=True)
class _Raw:
    """Two rows' tests before the correction."""

    first: _Reading
    second: _Reading
    first_better: int
    second_better: int
    exact_p: float
    cer: Bootstrapped
    seeds: TTest | None


def compare(rows: Sequence[Row]) -> tuple[list[Comparison], int]:
    """Return the tests of every two rows that read the same images, the better one first.

    Also how many tests Holm's correction is for. Where rows are compared with the best alone, that is
    still every pair: which row is the best was seen from the same data.
    """
    by_images: dict[tuple[str, int], list[_Reading]] = defaultdict(list)
    lengths: dict[tuple[str, int], NDArray[np.float64]] = {}
    for row in rows:
        if is_comparable(row):
            reading = _read(row)
            predictions = row.members[0].predictions
            assert predictions is not None
            key = (predictions.fingerprint, hash(predictions.targets))
            by_images[key].append(reading)
            lengths[key] = np.array([len(target) for target in predictions.targets], dtype=np.float64)
    raws = [raw for key, readings in by_images.items() for raw in _tests(readings, lengths[key])]
    tests = sum(len(readings) * (len(readings) - 1) // 2 for readings in by_images.values())
    return _corrected(raws, [1.0] * (tests - len(raws))), tests


def is_comparable(row: Row) -> bool:
    """Say whether every run of a row has its texts, of the same images."""
    targets = {m.predictions and (m.predictions.fingerprint, m.predictions.targets) for m in row.members}
    return None not in targets and len(targets) == 1


def _read(row: Row) -> _Reading:
    readings = [member.predictions for member in row.members if member.predictions]
    right_RN = np.array([list(map(str.__eq__, r.texts, r.targets)) for r in readings], dtype=np.int64)
    edits_RN = np.array([edit_distances(r.texts, r.targets) for r in readings], dtype=np.float64)
    return _Reading(row, len(readings), right_RN.sum(axis=0), edits_RN.mean(axis=0))


def _tests(readings: Sequence[_Reading], lengths_N: NDArray[np.float64]) -> list[_Raw]:
    if len(readings) < 2:
        return []
    indices = range(len(readings))
    pairs = list(combinations(indices, 2)) if len(readings) <= ALL_PAIRS else [(0, i) for i in indices[1:]]
    ratios_RC = resampled_ratios(np.array([reading.edits_N for reading in readings]), lengths_N)
    raws = []
    for i, j in pairs:
        one, other = readings[i], readings[j]
        # The share of runs that were right, compared as whole numbers: no rounding in a tie.
        ahead_N = one.right_N * other.runs - other.right_N * one.runs
        first, second = int((ahead_N > 0).sum()), int((ahead_N < 0).sum())
        more_N = one.edits_N - other.edits_N
        difference = float(more_N.sum() / lengths_N.sum())
        cer = bootstrap_test(difference, ratios_RC[:, i] - ratios_RC[:, j], int(np.count_nonzero(more_N)))
        raws.append(
            _Raw(one, other, first, second, mcnemar(first, second), cer, _over_seeds(one.row, other.row))
        )
    return raws


def _over_seeds(one: Row, other: Row) -> TTest | None:
    first, second = one.by_seed("exact"), other.by_seed("exact")
    if len(first) < 2 or len(second) < 2:
        return None
    # Two decoders of the same models: what the models have in common cancels out.
    models = [
        sorted((m.seed is None, m.seed or 0, str(m.folder)) for m in row.members) for row in (one, other)
    ]
    if models[0] == models[1]:
        return paired_t(list(first.values()), [second[seed] for seed in first])
    return welch_t(list(first.values()), list(second.values()))


def _corrected(raws: Sequence[_Raw], others: list[float]) -> list[Comparison]:
    exact = holm([raw.exact_p for raw in raws] + others)[: len(raws)]
    cer = holm([raw.cer.p for raw in raws] + others)[: len(raws)]
    over_seeds = iter(holm([raw.seeds.p for raw in raws if raw.seeds] + others))
    comparisons = []
    for raw, exact_holm, cer_holm in zip(raws, exact, cer, strict=True):
        difference, interval = _difference(raw)
        exact_test = Test("McNemar, exact, over images", difference, interval, raw.exact_p, exact_holm)
        cer_test = _test("paired bootstrap over images", raw.cer, cer_holm)
        seeds = _test("t-test over seeds", raw.seeds, next(over_seeds)) if raw.seeds else None
        ahead = raw.first_better - raw.second_better
        comparisons.append(
            Comparison(
                first=raw.first.row.number,
                second=raw.second.row.number,
                images=len(raw.first.right_N),
                first_better=raw.first_better,
                second_better=raw.second_better,
                exact=exact_test,
                cer=cer_test,
                seeds=seeds,
                verdict=_verdict(difference, ahead, exact_test, seeds),
            )
        )
    return comparisons


def _test(what: str, found: TTest | Bootstrapped, corrected: float) -> Test:
    return Test(what, found.difference, found.interval, found.p, corrected)


def _difference(raw: _Raw) -> tuple[float, Interval]:
    """Return the difference of the exact accuracies, and Wald's interval for paired shares."""
    differences_N = raw.first.right_N / raw.first.runs - raw.second.right_N / raw.second.runs
    mean, half = (
        float(differences_N.mean()),
        1.96 * float(differences_N.std()) / math.sqrt(len(differences_N)),
    )
    return mean, (mean - half, mean + half)


def _verdict(difference: float, ahead: int, exact: Test, seeds: Test | None) -> Verdict:
    # One lucky run can have a row ahead on average that is behind on most images: that is no finding.
    if not exact.significant or difference * ahead <= 0:
        return "noise"
    return "better" if seeds and seeds.significant else "on these images"

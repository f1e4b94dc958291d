"""Paired tests between rows on the same test images, with Holm's correction for multiple tests."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ctcbench.evaluation.paired_tests import Bootstrapped, bootstrap_test, holm, mcnemar, resampled_ratios
from ctcbench.evaluation.scoring import edit_distances
from ctcbench.evaluation.seed_statistics import Interval, TTest, paired_t, welch_t
from ctcbench.reporting.report_model import Comparison, Row, Test, Verdict

# With more rows than this, each is compared with the best only: thousands of tests are slow, and after
# Holm's correction hardly one of them is significant.
ALL_PAIRS = 40
# Shares of runs are sums of fractions: two that are equal can differ by the rounding of float64.
_TIE = 1e-9


@dataclass(frozen=True)
class _RowOnImages:
    """A row's results per image: the share of its runs that were right, and their mean edits.

    Both are means over seeds of the means of a seed's runs, as a row's accuracy is.
    """

    row: Row
    right_N: NDArray[np.float64]
    edits_N: NDArray[np.float64]


@dataclass(frozen=True)
class _UncorrectedTests:
    """The tests of two rows before Holm's correction."""

    first: _RowOnImages
    second: _RowOnImages
    first_better: int
    second_better: int
    exact_p: float
    cer: Bootstrapped
    seeds: TTest | None


def compare(rows: Sequence[Row]) -> tuple[list[Comparison], int]:
    """Return the tests of every two rows with the same test images, the better row first, and their number.

    The number is what Holm's correction accounts for.
    """
    # It is the number of all pairs even if rows are compared with the best only: which row is the best was
    # chosen on the same data.
    by_images: dict[tuple[str, int], list[_RowOnImages]] = defaultdict(list)
    lengths: dict[tuple[str, int], NDArray[np.float64]] = {}
    for row in rows:
        if is_comparable(row):
            predictions = row.members[0].predictions
            assert predictions is not None
            # The fingerprint is recorded by the run; the texts are compared too, as it may be missing.
            key = (predictions.fingerprint, hash(predictions.targets))
            by_images[key].append(_per_image(row))
            lengths[key] = np.array([len(target) for target in predictions.targets], dtype=np.float64)
    # Only rows with the same images are compared: a paired test has a value of both rows for every image.
    found = [one for key, group in by_images.items() for one in _run_tests(group, lengths[key])]
    tests = sum(len(group) * (len(group) - 1) // 2 for group in by_images.values())
    return _apply_holm(found, [1.0] * (tests - len(found))), tests


def is_comparable(row: Row) -> bool:
    """Return whether all runs of a row have stored predictions of the same images."""
    targets = {m.predictions and (m.predictions.fingerprint, m.predictions.targets) for m in row.members}
    # Without predictions, `and` leaves None in the set.
    return None not in targets and len(targets) == 1


def _per_image(row: Row) -> _RowOnImages:
    # R runs, N images.
    runs = [(member.seed, member.predictions) for member in row.members if member.predictions]
    right_RN = np.array([list(map(str.__eq__, r.texts, r.targets)) for _, r in runs], dtype=np.float64)
    edits_RN = np.array([edit_distances(r.texts, r.targets) for _, r in runs], dtype=np.float64)
    # The rows are ranked by the mean over seeds. Were each run counted once, the images could favour the
    # other row than the ranking does, where a coarse --by combines more runs of one seed than of another.
    of_seed = Counter(seed for seed, _ in runs)
    weights_R = np.array([1 / (of_seed[seed] * len(of_seed)) for seed, _ in runs])
    return _RowOnImages(row, weights_R @ right_RN, weights_R @ edits_RN)


def _run_tests(rows: Sequence[_RowOnImages], lengths_N: NDArray[np.float64]) -> list[_UncorrectedTests]:
    """Return the tests of every two rows, or of the first with each other if there are many."""
    if len(rows) < 2:
        return []
    indices = range(len(rows))
    pairs = list(combinations(indices, 2)) if len(rows) <= ALL_PAIRS else [(0, i) for i in indices[1:]]
    # One set of draws for all rows: their differences are then paired, and drawing is the slow part.
    ratios_RC = resampled_ratios(np.array([row.edits_N for row in rows]), lengths_N)
    found = []
    for i, j in pairs:
        one, other = rows[i], rows[j]
        ahead_N = one.right_N - other.right_N
        first, second = int((ahead_N > _TIE).sum()), int((ahead_N < -_TIE).sum())
        more_N = one.edits_N - other.edits_N
        difference = float(more_N.sum() / lengths_N.sum())
        differing = int((np.abs(more_N) > _TIE).sum())
        cer = bootstrap_test(difference, ratios_RC[:, i] - ratios_RC[:, j], differing)
        seeds = _test_over_seeds(one.row, other.row, 1 / len(one.right_N))
        found.append(_UncorrectedTests(one, other, first, second, mcnemar(first, second), cer, seeds))
    return found


def _test_over_seeds(one: Row, other: Row, resolution: float) -> TTest | None:
    first, second = one.by_seed("exact"), other.by_seed("exact")
    if len(first) < 2 or len(second) < 2:
        return None
    # Two decoders of the same models: the differences between the models cancel out in a paired test.
    models = [
        sorted((m.seed is None, m.seed or 0, str(m.folder)) for m in row.members) for row in (one, other)
    ]
    if models[0] == models[1]:
        return paired_t(list(first.values()), [second[seed] for seed in first], resolution)
    # Models that were trained separately have nothing in common, even with the same seed: not paired.
    return welch_t(list(first.values()), list(second.values()), resolution)


def _apply_holm(tests: Sequence[_UncorrectedTests], others: list[float]) -> list[Comparison]:
    # `others` are tests that were not carried out, with p = 1: they count in the correction.
    # The three kinds of test answer different questions, so each is a family of its own.
    exact = holm([test.exact_p for test in tests] + others)[: len(tests)]
    cer = holm([test.cer.p for test in tests] + others)[: len(tests)]
    # Pairs with a single seed have no test over seeds, so they are not in this family.
    over_seeds = iter(holm([test.seeds.p for test in tests if test.seeds] + others))
    comparisons = []
    for test, exact_holm, cer_holm in zip(tests, exact, cer, strict=True):
        difference, interval = _exact_difference(test)
        exact_test = Test("McNemar, exact, over images", difference, interval, test.exact_p, exact_holm)
        cer_test = _make_test("paired bootstrap over images", test.cer, cer_holm)
        seeds = _make_test("t-test over seeds", test.seeds, next(over_seeds)) if test.seeds else None
        ahead = test.first_better - test.second_better
        comparisons.append(
            Comparison(
                first=test.first.row.number,
                second=test.second.row.number,
                images=len(test.first.right_N),
                first_better=test.first_better,
                second_better=test.second_better,
                exact=exact_test,
                cer=cer_test,
                seeds=seeds,
                verdict=_verdict(difference, ahead, exact_test, seeds),
            )
        )
    return comparisons


def _make_test(what: str, found: TTest | Bootstrapped, corrected: float) -> Test:
    return Test(what, found.difference, found.interval, found.p, corrected)


def _exact_difference(test: _UncorrectedTests) -> tuple[float, Interval]:
    """Return the difference of the exact accuracies and Wald's interval for paired shares (Agresti 2002)."""
    # Wald's interval needs the variance of the differences image by image; 1.96 is the normal's 97.5 %
    # quantile.
    differences_N = test.first.right_N - test.second.right_N
    mean, half = (
        float(differences_N.mean()),
        1.96 * float(differences_N.std()) / math.sqrt(len(differences_N)),
    )
    return mean, (mean - half, mean + half)


def _verdict(difference: float, ahead: int, exact: Test, seeds: Test | None) -> Verdict:
    """Return the verdict on two rows, of which the first is ranked higher."""
    # One good run can put a row ahead in the mean that is behind on most images: not a finding.
    if not exact.significant or difference <= _TIE or ahead <= 0:
        return "noise"
    return "better" if seeds and seeds.significant and seeds.difference > 0 else "on these images"

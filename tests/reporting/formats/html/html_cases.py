"""Reports assembled by hand, for tests of the page."""

import itertools

from ctcbench.evaluation.scoring import score
from ctcbench.reporting.confidence_summary import summarise_confidence
from ctcbench.reporting.members import Collapse, Member
from ctcbench.reporting.report_model import (
    Comparison,
    Effect,
    Report,
    ReportWarning,
    Row,
    SeedEstimate,
    Test,
)
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import COSTS, Result

METRICS = ("exact", "exact_caseless", "exact_folded", "char_accuracy", "cer", "edit_distance")
PROVENANCE = {
    "started": "2026-01-02T03:04:05+00:00",
    "host": {"cpu": "a CPU", "gpu": None, "cores": 2},
    "versions": {"ctcbench": "0.1.0", "torch": None},
    "plugins": {"builtin": "0.1.0"},
    "data": {"fingerprint": "f" * 64},
}


def member(folder, predictions, **config):
    """Return a member with these predictions, whose result is not stored."""
    found = score(predictions.texts, predictions.targets, "test", resamples=20)
    costs = (5e4, 12.0, 900.0, 0.05, 300.0)
    cost = {name: value * (1 + config.get("seed", 0)) for name, value in zip(COSTS, costs, strict=True)}
    return Member(config.get("seed"), folder, Result(config, found, cost, PROVENANCE), predictions)


def texts(*pairs, sure=None):
    """Return predictions from pairs (read, target), with the confidences `sure` if given."""
    read, targets = zip(*pairs, strict=True)
    return Predictions("test", "f" * 64, read, targets, sure)


def estimate(values):
    mean = sum(values) / len(values)
    if len(values) < 2:
        return SeedEstimate(tuple(values), mean, None, (mean * 0.98, mean * 1.02), "images")
    sd = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return SeedEstimate(tuple(values), mean, sd, (mean - 2 * sd, mean + 2 * sd), "seeds")


def row(number, axes, members):
    results = [one.result for one in members]
    exact = [result.score.exact for result in results]
    collapsed = sum(result.score.collapsed for result in results)
    return Row(
        number=number,
        axes=axes,
        members=tuple(members),
        metrics={name: estimate([getattr(result.score, name) for result in results]) for name in METRICS},
        cost={name: estimate([float(result.cost[name]) for result in results]) for name in COSTS},
        collapse=Collapse(collapsed, len(members), (0.0, 1.0)),
        best=exact.index(max(exact)),
        confidence=summarise_confidence(members),
    )


def report(rows, *, pairs=True, **rest):
    """Return a report of these rows with every section."""
    axes = tuple(rows[0].axes) if rows else ()
    comparisons = []
    for one, other in itertools.combinations(rows, 2) if pairs else ():
        difference = one.metrics["exact"].mean - other.metrics["exact"].mean
        test = Test("McNemar", difference, (difference - 0.02, difference + 0.02), 0.0004, 0.012)
        verdict = "better" if difference > 0.1 else "noise"
        comparisons.append(Comparison(one.number, other.number, 300, 20, 10, test, test, test, verdict))
    effects = [Effect(axis, "one", "other", "exact", 0.05, (-0.01, 0.11), 3, 6) for axis in axes] + [
        Effect(axis, "one", "third", "exact", -0.08, (-0.1, -0.06), 3, 6) for axis in axes
    ]
    return Report(
        axes=axes,
        common={"dataset": "captcha", "epochs": 2},
        rows=tuple(rows),
        effects=tuple(effects),
        comparisons=tuple(comparisons),
        warnings=(ReportWarning("few seeds", "Rows of fewer than three runs say little.", (1,)),),
        **rest,
    )

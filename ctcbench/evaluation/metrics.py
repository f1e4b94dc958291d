"""The table of metrics: `METRICS` has one entry for each figure that compares predictions with targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ctcbench.evaluation.seed_statistics import Interval

# Characters with the same outline but for their size, which a CAPTCHA draws at random. kK, pP, uU and yY
# are left out on purpose: they differ by a stroke or its length. The folded accuracy so measures what
# cannot be distinguished, not what is merely difficult.
LOOKALIKES = ("0Oo", "1Il", "cC", "sS", "vV", "wW", "xX", "zZ")
_FOLD = str.maketrans({character: group[0] for group in LOOKALIKES for character in group})


class Measured(NamedTuple):
    """The value of a metric on one split, and its 95 % confidence interval over images, if known."""

    value: float
    interval: Interval | None


def metrics_document(metrics: Mapping[str, Measured]) -> dict[str, Any]:
    """Return measured metrics by name as values of JSON, with their intervals as ``NAME_ci``: [low, high]."""
    document: dict[str, Any] = {}
    for name, (value, interval) in metrics.items():
        document[name] = value
        if interval is not None:
            document[f"{name}_ci"] = list(interval)
    return document


class Format(NamedTuple):
    """How a value is written: multiplied by ``scale``, with ``digits`` decimals and ``unit`` after it."""

    scale: float
    digits: int
    unit: str


PERCENT, DECIMAL = Format(100, 2, "%"), Format(1, 3, "")

# Arguments: one value per image, the targets, number of resamples and seed of a bootstrap.
Aggregate = Callable[[Sequence[float], Sequence[str], int, int], Measured]


@dataclass(frozen=True)
class Metric:
    """One metric. A new entry in `METRICS` appears in `Score`, in result files and in every report format.

    Attributes:
        name: key in ``results/*.json`` (its interval is ``<name>_ci``), in CSV and in JSON.
        label: header of its column, without the unit.
        help: what it counts, for tooltips and the score table.
        of_image: value of one image, from (prediction, target).
        aggregate: value of the split and its interval: `share`, `mean` or `per_character`.
        format: `PERCENT` or `DECIMAL`.
        direction: whether a higher or a lower value is better.
        highest: upper bound of the value; confidence intervals are clipped to it.
        tables: "all"; "screen" is all but LaTeX, where a page is narrow; "none" is CSV and JSON alone.
        priority: the column with the lowest priority is the first that a narrow terminal leaves out.
    """

    name: str
    label: str
    help: str
    of_image: Callable[[str, str], float]
    aggregate: Aggregate
    format: Format = PERCENT
    direction: Literal["higher", "lower"] = "higher"
    highest: float = math.inf
    tables: Literal["all", "screen", "none"] = "all"
    priority: int = 5

    @property
    def header(self) -> str:
        """The header of a column: label and unit."""
        return f"{self.label} {self.format.unit}".strip()


def share(values: Sequence[float], targets: Sequence[str], resamples: int, seed: int) -> Measured:
    """Return the share of images whose value is true, with Wilson's score interval (Wilson 1927)."""
    from ctcbench.evaluation.confidence_intervals import wilson

    successes = sum(map(bool, values))
    # Exact, so it takes neither resamples nor a seed; all aggregates have the same arguments.
    return Measured(successes / len(values), wilson(successes, len(values)))


def mean(values: Sequence[float], targets: Sequence[str], resamples: int, seed: int) -> Measured:
    """Return the mean over images, with the bootstrap's percentile interval (Efron 1979)."""
    import numpy as np

    from ctcbench.evaluation.confidence_intervals import bootstrap_mean

    values_N = np.array(values)
    return Measured(float(values_N.mean()), bootstrap_mean(values_N, resamples=resamples, seed=seed))


def per_character(values: Sequence[float], targets: Sequence[str], resamples: int, seed: int) -> Measured:
    """Return the sum over images divided by the number of target characters, with a bootstrap interval."""
    import numpy as np

    from ctcbench.evaluation.confidence_intervals import bootstrap_ratio

    # Not the mean of the images' ratios: that has no value for an empty target, and weighs short texts as
    # much as long ones.
    values_N, lengths_N = np.array(values), np.array(list(map(len, targets)))
    interval = bootstrap_ratio(values_N, lengths_N, resamples=resamples, seed=seed)
    return Measured(float(values_N.sum() / lengths_N.sum()), interval)


def fold(text: str) -> str:
    """Return `text` with every character of a group in `LOOKALIKES` replaced by the group's first."""
    return text.translate(_FOLD)


def char_accuracy(prediction: str, target: str) -> float:
    """Return the share of the target's positions at which `prediction` has the same character.

    Positions count from the left, so one extra character at the front can make it 0 (Cheliotis 2025);
    characters beyond the target's end are ignored. An empty target scores 1.0 for an empty prediction
    and 0.0 for any other.
    """
    if not target:
        return 0.0 if prediction else 1.0
    return sum(p == t for p, t in zip(prediction, target, strict=False)) / len(target)


def edit_distance(prediction: str, target: str) -> int:
    """Return the Levenshtein distance (1966): insertions, deletions and substitutions, 1 each."""
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(prediction, target)


# Imports of numpy and rapidfuzz are inside the functions: `Score` reads this table, and the command line
# reads scores in places where neither must be loaded (`ctcbench --help`).
METRICS: tuple[Metric, ...] = (
    Metric(
        "exact", "exact", "texts that are entirely right, case counted",
        lambda prediction, target: prediction == target, share, highest=1.0, priority=100,
    ),
    Metric(
        # casefold() rather than lower(): ß and SS are the same text without case.
        "exact_caseless", "caseless", "texts that are right if case is ignored",
        lambda prediction, target: prediction.casefold() == target.casefold(), share, highest=1.0,
        tables="none",
    ),
    Metric(
        "exact_folded", "folded", f"texts that are right with look-alikes merged: {', '.join(LOOKALIKES)}",
        lambda prediction, target: fold(prediction) == fold(target), share, highest=1.0, tables="none",
    ),
    Metric(
        "char_accuracy", "char", "positions with the right character, mean over images",
        char_accuracy, mean, highest=1.0, tables="screen", priority=3,
    ),
    Metric(
        "cer", "CER", "character error rate: edits per target character",
        edit_distance, per_character, direction="lower", priority=9,
    ),
    Metric(
        "edit_distance", "edit distance", "edits per image (Levenshtein)",
        edit_distance, mean, DECIMAL, "lower", tables="screen", priority=2,
    ),
)  # fmt: skip

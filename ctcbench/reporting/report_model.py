"""A report as plain data: rows, main effects, paired tests, warnings. Every format is written from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ctcbench.config.run_config import COMPONENT_SETTINGS
from ctcbench.evaluation.seed_statistics import Interval
from ctcbench.reporting.members import Collapse, Member, PlateauSummary, mean_by_seed

# Only here: it imports numpy, which `ctcbench --help` does not need.
if TYPE_CHECKING:
    from ctcbench.reporting.confidence_summary import ConfidenceSummary

# An axis that is no setting: the name that a study has for a configuration, of its include rule or preset.
CONFIGURATION = "configuration"

Verdict = Literal["better", "on these images", "noise"]
LEVEL = 0.05  # significance level of every test, after Holm's correction


@dataclass(frozen=True)
class SeedEstimate:
    """A metric or cost over the seeds of a row.

    Attributes:
        values: one value per run, in the order of `Row.members`; None if it was not measured.
        mean: over seeds. Runs of one seed, which only a coarse ``--by`` puts into one row, are averaged
            first.
        sd: sample standard deviation (n − 1) over seeds; None for one seed.
        interval: 95 % confidence interval: Student's over seeds if there are two or more; for a single
            run that of its score over test images, if any.
        over: what the interval is over.
    """

    values: tuple[float | None, ...]
    mean: float
    sd: float | None = None
    interval: Interval | None = None
    over: Literal["seeds", "images"] | None = None


@dataclass(frozen=True)
class TalkFigure:
    """What the talk (Cheliotis 2025) reported for the preset that a row was run with.

    ``metrics`` are by name as in `evaluation.metrics.METRICS`; ``note`` is the talk's remark. ``scaled``
    lists the settings of size in which the row differs from the preset, as ``train_samples 8100 → 810``
    (empty if there are none).
    """

    preset: str
    metrics: Mapping[str, float]
    note: str = ""
    scaled: str = ""


@dataclass(frozen=True)
class Row:
    """A configuration over its seeds.

    Attributes:
        number: from 1, in descending order of mean exact accuracy.
        axes: the row's value of every axis.
        members: its results, in the order of seed and path.
        metrics: by name, those of `evaluation.metrics.METRICS` that were measured; ``exact`` always is.
        cost: by name, those of `results.result.COSTS` that were measured.
        collapse: number of models that collapsed.
        best: index in ``members`` of the run with the highest exact accuracy.
        confidence: how well the confidences of its texts agree with what is right, if they are stored.
        talk: the talk's figures for this configuration.
        better_than, better_on_images: numbers of rows; see `Comparison.verdict`.
        columns: header and text of the plugins' columns.
    """

    number: int
    axes: Mapping[str, str]
    members: tuple[Member, ...]
    metrics: Mapping[str, SeedEstimate]
    cost: Mapping[str, SeedEstimate]
    collapse: Collapse
    best: int
    confidence: ConfidenceSummary | None = None
    talk: TalkFigure | None = None
    better_than: tuple[int, ...] = ()
    better_on_images: tuple[int, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def n(self) -> int:
        """Number of seeds."""
        return len(set(self.seeds))

    def by_seed(self, metric: str) -> dict[int | None, float]:
        """Return the mean of a metric over the runs of each seed."""
        return mean_by_seed(self.seeds, self.metrics[metric].values)

    @property
    def name(self) -> str:
        """The values of the axes as one text; without axes, the components of the only configuration."""
        config = self.members[0].result.config
        shown = self.axes or {k: str(config.get(k, "")) for k in ("backbone", "head", "decoder")}
        # The name of a component needs no more words, but `3` and `false` do.
        clear = (CONFIGURATION, *COMPONENT_SETTINGS)
        # An empty setting is written "", so that it is seen.
        written = {axis: v or '""' for axis, v in shown.items()}
        return " ".join(v if axis in clear else f"{axis}={v}" for axis, v in written.items())

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """Seeds in the order of the members."""
        return tuple(member.seed for member in self.members)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Run folders in the order of the members."""
        return tuple(member.folder for member in self.members)

    @property
    def plateau(self) -> PlateauSummary:
        """When the row's models left the blank plateau."""
        return PlateauSummary.of(self.members)

    @property
    def plateau_left(self) -> tuple[int | None, ...]:
        """Steps at which the blank plateau was left, in the order of the members."""
        return tuple(member.left_plateau_step for member in self.members)


@dataclass(frozen=True)
class Test:
    """A test of a difference (first − second): p-value before and after (``p_holm``) Holm's correction.

    ``what`` names the test. ``interval`` is the difference's 95 % confidence interval, not corrected.
    """

    what: str
    difference: float
    interval: Interval | None
    p: float
    p_holm: float

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at 5 % after the correction."""
        return self.p_holm < LEVEL


@dataclass(frozen=True)
class Comparison:
    """Paired tests of two rows, numbers ``first`` and ``second``, on the same test images.

    Attributes:
        images: number of test images.
        first_better: images that the first row read correctly in a larger share of each seed's runs (mean).
        second_better: the same for the second row; ties do not count.
        exact: McNemar's exact test of the exact accuracy over images.
        cer: paired bootstrap of the CER over images.
        seeds: t-test of the exact accuracy over seeds; None if a row has one seed.
        verdict: "better" if ``exact`` and ``seeds`` are significant, "on these images" if only ``exact`` is,
            else "noise". A test counts only if it favours the first row.
    """

    first: int
    second: int
    images: int
    first_better: int
    second_better: int
    exact: Test
    cer: Test
    seeds: Test | None
    verdict: Verdict


@dataclass(frozen=True)
class Effect:
    """Main effect of ``level`` instead of ``baseline`` on ``axis``, all other settings equal.

    ``difference`` (level − baseline) of ``metric`` is the mean over seeds of the mean over ``pairs`` that
    agree in every other axis and in the seed; ``interval`` is Student's 95 % interval over the ``seeds``
    (None for one seed).
    """

    axis: str
    baseline: str
    level: str
    metric: str
    difference: float
    interval: Interval | None
    seeds: int
    pairs: int

    @property
    def within_noise(self) -> bool:
        """Whether the interval includes 0, or there is no interval."""
        return self.interval is None or self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class ReportWarning:
    """A limitation that a reader has to know; ``kind`` is a short name of it, ``rows`` those concerned."""

    kind: str
    text: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A run without a result: ``label`` is its name in its study, ``settings`` what is known of them."""

    folder: Path
    error: str
    label: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.folder}{f' ({self.label})' if self.label else ''}: {self.error}"


@dataclass(frozen=True)
class Report:
    """A report of a set of results.

    Attributes:
        axes: the settings that distinguish rows.
        common: the settings that are the same in all results.
        rows: in the order of their numbers.
        effects: main effects of the axes.
        comparisons: paired tests.
        tests: the number of tests that Holm's correction accounts for.
        warnings: what limits the conclusions.
        damaged: a line for each file that cannot be read.
        failures: runs without a result.
        scaled: which rows are of studies run with ``--scale``, and by what factor (empty if none are).
    """

    axes: tuple[str, ...]
    common: Mapping[str, Any]
    rows: tuple[Row, ...]
    effects: tuple[Effect, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    tests: int = 0
    warnings: tuple[ReportWarning, ...] = ()
    damaged: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    scaled: str = ""

    def row(self, number: int) -> Row:
        """Return the row with this number."""
        return self.rows[number - 1]

    def comparison(self, one: int, other: int) -> Comparison | None:
        """Return the comparison of two rows in either order, or None if there is none."""
        # Stored once for each pair, with the better row first.
        wanted = {one, other}
        return next((c for c in self.comparisons if {c.first, c.second} == wanted), None)

"""A whole report as plain data: rows, effects, comparisons, warnings; every format is written from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ctcbench.reporting.members import Collapse, Member, mean_by_seed

Interval = tuple[float, float]
Verdict = Literal["better", "on these images", "noise"]
LEVEL = 0.05  # of every test, after Holm's correction


@dataclass(frozen=True)
class Estimate:
    """A figure over the runs of a row.

    ``values`` has one figure a run, in the order of `Row.members` (None where it was not measured).
    Runs of one seed, which only a coarse ``--by`` puts into one row, are averaged first: ``mean`` and
    ``sd`` (the sample's standard deviation, n − 1; None for one seed) are over seeds. ``interval`` is
    Student's 95 % interval over seeds where there are two or more; for a single run that of its score
    over its test images, where it has one; ``over`` says which.
    """

    values: tuple[float | None, ...]
    mean: float
    sd: float | None = None
    interval: Interval | None = None
    over: Literal["seeds", "images"] | None = None


@dataclass(frozen=True)
class TalkFigure:
    """What the talk (Cheliotis 2025) reported for the preset that a row was run with.

    ``metrics`` are by their names in `scores.METRICS`, those that the talk gave; ``note`` is what else
    it saw. ``scaled`` is how the row's run differs from the preset in size (empty: not at all), as
    ``train_samples 8100 → 810``.
    """

    preset: str
    metrics: Mapping[str, float]
    note: str = ""
    scaled: str = ""


@dataclass(frozen=True)
class Row:
    """A configuration over its seeds. ``number`` counts rows from 1, best mean exact accuracy first.

    ``axes`` has the row's value of every axis; ``metrics`` an `Estimate` for each name in
    `scores.METRICS`; ``cost`` one for each name in `result.COSTS` that was measured. ``best`` is the
    index in ``members`` of the run with the highest exact accuracy. ``better_than`` and
    ``better_on_images`` are numbers of rows (see `Comparison.verdict`). ``columns`` are the plugins'
    (header, texts of the runs joined by " · " where they differ).
    """

    number: int
    axes: Mapping[str, str]
    members: tuple[Member, ...]
    metrics: Mapping[str, Estimate]
    cost: Mapping[str, Estimate]
    collapse: Collapse
    best: int
    talk: TalkFigure | None = None
    better_than: tuple[int, ...] = ()
    better_on_images: tuple[int, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def n(self) -> int:
        """How many seeds: as many as runs, unless a coarse ``--by`` put several of a seed together."""
        return len(set(self.seeds))

    def by_seed(self, metric: str) -> dict[int | None, float]:
        """Return the mean of a metric over the runs of each seed."""
        return mean_by_seed(self.seeds, self.metrics[metric].values)

    @property
    def name(self) -> str:
        """The values of the axes in one text; the one configuration there is has its components'."""
        config = self.members[0].result.config
        parts = self.axes.values() or (str(config.get(k, "")) for k in ("backbone", "head", "decoder"))
        return " ".join(part or '""' for part in parts)

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The seeds, in the order of the members."""
        return tuple(member.seed for member in self.members)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The run folders, in the order of the members."""
        return tuple(member.folder for member in self.members)

    @property
    def plateau_left(self) -> tuple[int | None, ...]:
        """The steps at which the blank plateau was left, in the order of the members."""
        return tuple(member.left_plateau_step for member in self.members)


@dataclass(frozen=True)
class Test:
    """One test of a difference (first − second): ``p`` as it is, ``p_holm`` after Holm's correction.

    ``interval`` is of the difference, at 95 % and not corrected. ``what`` names the test.
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
    """Two rows on the same test images; ``first`` and ``second`` are their numbers.

    ``exact`` is McNemar's exact test over images: ``first_better`` images were read right by the
    first in more of its runs, ``second_better`` the other way round, ties don't count. ``cer`` is the
    paired bootstrap over images; ``seeds`` a t-test of the exact accuracies over seeds (None where a
    row has one seed). ``verdict``: "better" where ``exact`` and ``seeds`` are significant and of one
    sign, "on these images" where ``exact`` is and ``seeds`` is not (or not there), else "noise".
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
    """What changing one component does: ``level`` instead of ``baseline`` on ``axis``, the rest alike.

    ``difference`` (level − baseline) of ``metric`` is the mean over seeds of the mean over ``pairs``
    that are alike in every other axis and in the seed; ``interval`` Student's over the ``seeds``
    means (None below two seeds).
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
        """Whether the interval has the 0 in it, or there is none."""
        return self.interval is None or self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Warn:
    """Something that a reader of the figures should know; ``kind`` is a word for it, for programs."""

    kind: str
    text: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A run that gave no result: ``label`` names it as its study does, ``settings`` as far as known."""

    folder: Path
    error: str
    label: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.folder}{f' ({self.label})' if self.label else ''}: {self.error}"


@dataclass(frozen=True)
class Report:
    """Everything there is to say about a set of results.

    ``axes`` are the settings that tell rows apart (or were asked for), ``common`` those that all
    results share. ``tests`` is how many comparisons the p-values are corrected for; ``damaged`` has a
    line for each file that could not be read. ``scaled`` says which rows are of studies that were shrunk,
    and by what (empty: none).
    """

    axes: tuple[str, ...]
    common: Mapping[str, Any]
    rows: tuple[Row, ...]
    effects: tuple[Effect, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    tests: int = 0
    warnings: tuple[Warn, ...] = ()
    damaged: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    scaled: str = ""

    def row(self, number: int) -> Row:
        """Return the row of a number."""
        return self.rows[number - 1]

    def comparison(self, one: int, other: int) -> Comparison | None:
        """Return the comparison of two rows, whichever way round, or None where there is none."""
        wanted = {one, other}
        return next((c for c in self.comparisons if {c.first, c.second} == wanted), None)

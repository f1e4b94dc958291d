"""The runs of a row, and summaries of the models that they belong to: collapse and blank plateau."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ctcbench.evaluation.seed_statistics import Interval, clopper_pearson
from ctcbench.reporting.number_format import MISSING
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result

# A model is on the plateau at the end of its training if its last steps were, at least as many as these.
# During training a notice comes after as many; the last few batches alone can be unlucky.
STUCK_STEPS = 200


@dataclass(frozen=True)
class Member:
    """One result in a row.

    Attributes:
        seed: None if the result does not record it.
        folder: the run folder.
        result: the result as stored.
        predictions: the texts of the test images, None if they are not stored.
        left_plateau_step: training step at which the blank plateau was left; None if training ended on it,
            if the model never was on it, or if that was not recorded.
        ended_on_plateau: whether training ended on the plateau: its last 200 steps, or its longest stay.
    """

    seed: int | None
    folder: Path
    result: Result
    predictions: Predictions | None = None
    left_plateau_step: int | None = None
    ended_on_plateau: bool = False

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the test images; empty if the result does not record it."""
        data = self.result.provenance.get("data")
        return str(data.get("fingerprint") or "") if isinstance(data, Mapping) else ""


@dataclass(frozen=True)
class Collapse:
    """Number of models of a row that collapsed: ``count`` of ``n``, and the share's 95 % ``interval``.

    A model is a run folder; it has collapsed if it did with every decoder in the row. The interval is Clopper
    and Pearson's (1934) for the mean of the seeds' shares, with the number of seeds as its n (Korn and
    Graubard 1998). With one model per seed that is the interval of ``count`` of ``n``.
    """

    count: int
    n: int
    interval: Interval

    @classmethod
    def of(cls, members: Sequence[Member]) -> Collapse:
        """Return the collapse of a row's members."""
        # Decoders of one model are not independent draws: a model counts once, however many decoders read it.
        models = models_of(members)
        # A model of which one decoder reads something does not ignore its images, even if another decoder's
        # texts are empty.
        collapsed = [all(member.result.score.collapsed for member in model) for model in models]
        # n is the number of seeds: with models of one seed counted apart, the interval would be too narrow.
        shares = mean_by_seed([model[0].seed for model in models], [float(known) for known in collapsed])
        return cls(sum(collapsed), len(models), clopper_pearson(sum(shares.values()), len(shares)))


@dataclass(frozen=True)
class PlateauSummary:
    """When the models of a row left the blank plateau: ``steps`` in ascending order.

    ``never`` is the number of models that were on the plateau at the end of training, even if they had left
    it before. A model counts once, however many decoders read it; models that never were on the plateau, or
    whose results do not record it, are in neither.
    """

    steps: tuple[int, ...]
    never: int

    @classmethod
    def of(cls, members: Sequence[Member]) -> PlateauSummary:
        """Return the summary of a row's members."""
        # All members of a model have the same training, so its first one is enough.
        models = [model[0] for model in models_of(members)]
        steps = sorted(m.left_plateau_step for m in models if m.left_plateau_step is not None)
        return cls(tuple(steps), sum(model.ended_on_plateau for model in models))

    @property
    def median(self) -> float | None:
        """Median step of the models that left the plateau; None if none did."""
        return median(self.steps) if self.steps else None

    @property
    def known(self) -> bool:
        """Whether any model's result records it."""
        return bool(self.steps or self.never)

    def __str__(self) -> str:
        """Return ``412 (220 – 731), 3 never``: median, lowest and highest step, models that ended on it."""
        if not self.known:
            return MISSING
        if not self.steps:
            return "never"
        low, high = self.steps[0], self.steps[-1]
        text = f"{self.median:,.0f}" + (f" ({low:,} – {high:,})" if low < high else "")
        return text + (f", {self.never} never" if self.never else "")

    def to_json(self) -> dict[str, Any]:
        """Return the numbers by name; steps are None if no model left the plateau."""
        low, high = (self.steps[0], self.steps[-1]) if self.steps else (None, None)
        return {"left": len(self.steps), "never": self.never, "median": self.median, "low": low, "high": high}


def models_of(members: Sequence[Member]) -> list[list[Member]]:
    """Return the members grouped by model, that is by run folder, in their order."""
    models: dict[Path, list[Member]] = {}
    for member in members:
        models.setdefault(member.folder, []).append(member)
    return list(models.values())


def mean_by_seed(seeds: Sequence[int | None], values: Sequence[float | None]) -> dict[int | None, float]:
    """Return the mean of each seed's values; None values are ignored, and seeds without a value left out."""
    found: dict[int | None, list[float]] = {}
    for seed, value in zip(seeds, values, strict=True):
        if value is not None:
            found.setdefault(seed, []).append(value)
    return {seed: fmean(known) for seed, known in found.items()}

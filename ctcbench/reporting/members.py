"""The runs of a row: results by the models that they are of, and what is a model's alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from ctcbench.evaluation.seed_statistics import Interval, clopper_pearson
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result


@dataclass(frozen=True)
class Member:
    """One run in a row. ``predictions`` are its texts of the test images, None where they can't be had."""

    seed: int | None
    folder: Path
    result: Result
    predictions: Predictions | None = None
    left_plateau_step: int | None = None  # None: never, or not recorded
    never_left_plateau: bool = False

    @property
    def fingerprint(self) -> str:
        """Of the test images; empty where the result does not say."""
        data = self.result.provenance.get("data")
        return str(data.get("fingerprint") or "") if isinstance(data, Mapping) else ""


@dataclass(frozen=True)
class Collapse:
    """How many models of a row collapsed: ``count`` of ``n``, and the 95 % ``interval`` of their share.

    A model is a run folder: its decoders, which only a coarse ``--by`` puts into one row, are no draws of
    their own. It has collapsed where it did with every one of them; a model that any decoder reads
    something from does not ignore its images. The interval is Clopper and Pearson's over seeds, of the
    mean of the seeds' shares (as Korn and Graubard 1998 have it for clusters: models of one seed are not
    independent either). With one model a seed that is `count` of `n`.
    """

    count: int
    n: int
    interval: Interval

    @classmethod
    def of(cls, members: Sequence[Member]) -> Collapse:
        """Return the collapse of a row's members."""
        models = models_of(members)
        collapsed = [all(member.result.score.collapsed for member in model) for model in models]
        shares = mean_by_seed([model[0].seed for model in models], [float(known) for known in collapsed])
        return cls(sum(collapsed), len(models), clopper_pearson(sum(shares.values()), len(shares)))


def models_of(members: Sequence[Member]) -> list[list[Member]]:
    """Return the members by the model that they are of, which is one a run folder, in their order."""
    models: dict[Path, list[Member]] = {}
    for member in members:
        models.setdefault(member.folder, []).append(member)
    return list(models.values())


def mean_by_seed(seeds: Sequence[int | None], values: Sequence[float | None]) -> dict[int | None, float]:
    """Return the mean of the values of each seed; seeds none of whose values were measured are left out."""
    found: dict[int | None, list[float]] = {}
    for seed, value in zip(seeds, values, strict=True):
        if value is not None:
            found.setdefault(seed, []).append(value)
    return {seed: fmean(known) for seed, known in found.items()}

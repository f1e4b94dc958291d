"""Candidate: a proposal of a search with its models, one for each seed, and the scores of their trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from ctcbench.study.plan import PlannedModel
from ctcbench.study.search.optimiser import Proposal
from ctcbench.study.search.search_file import Objective
from ctcbench.study.search.validation_course import EpochScores


@dataclass
class Candidate:
    """A proposal whose models are trained one after another.

    Attributes:
        objective: the score that counts.
        models: one for each seed; the first `finished` of them are trained.
        busy: whether one of the models is being trained.
        kept: for each seed so far, the epoch of the best weights.
    """

    proposal: Proposal
    objective: Objective
    models: Sequence[PlannedModel]
    finished: int = 0
    busy: bool = False
    kept: list[EpochScores] = field(default_factory=list)

    @property
    def number(self) -> int:
        """The number of the proposal."""
        return self.proposal.number

    @property
    def model(self) -> PlannedModel:
        """The model to be trained next."""
        return self.models[self.finished]

    @property
    def score(self) -> float:
        """The mean of the objective over the seeds so far, each by its best weights so far."""
        return fmean(getattr(scores, self.objective) for scores in self.kept)

    def add(self, scores: EpochScores) -> float:
        """Add an epoch of the current model; return the share of all trainings that is done."""
        if len(self.kept) == self.finished:
            self.kept.append(scores)
        elif scores.replaces(self.kept[-1]):
            self.kept[-1] = scores
        return (self.finished + scores.step / scores.steps) / len(self.models)

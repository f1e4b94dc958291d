"""SearchRun: asks for configurations, has them trained, and stops those that are not promising."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ctcbench.contract.errors import CtcbenchError, PluginError
from ctcbench.contract.executors import Event, Executor, Outcome
from ctcbench.processes.signals import Interrupted
from ctcbench.registry.component_registry import Registry
from ctcbench.results.result import Result
from ctcbench.study.budget_choice import BudgetChoice
from ctcbench.study.budget_fitting import fit_grid
from ctcbench.study.grid import expand
from ctcbench.study.plan import Plan, PlannedModel, make_plan
from ctcbench.study.search.candidate import Candidate
from ctcbench.study.search.optimiser import Optimiser, Proposal, proposal_label
from ctcbench.study.search.search_file import SearchSpec
from ctcbench.study.search.validation_course import EpochScores, recorded_epochs
from ctcbench.study.study_folder import StudyFolder
from ctcbench.study.trial_runner import StudyListener, StudyOutcome, TrialRunner


class SearchListener(StudyListener, Protocol):
    """Interface of a listener to the progress of a search."""

    def proposal_ended(self, proposal: Proposal) -> None:
        """Handle the end of a proposal: it is complete, pruned or failed."""


@dataclass
class SearchRun:
    """One start of a search. It is the study listener of its trials, whose events it passes on.

    Attributes:
        resources: the executor's description of itself.
        order: arguments of `PlannedModel.trial`.
        resume_command: the command that resumes the search.
        write_plan: called with the plan of every proposal that is not pruned, whenever that has changed.
        choices: the numbers that a budget chose so far.
    """

    registry: Registry
    spec: SearchSpec
    folder: StudyFolder
    optimiser: Optimiser
    executor: Executor
    resources: Mapping[str, Any]
    order: Mapping[str, Any]
    resume_command: str
    listener: SearchListener
    write_plan: Callable[[Plan], None]
    outcome: StudyOutcome = field(default_factory=StudyOutcome)
    choices: dict[str, BudgetChoice] = field(default_factory=dict)
    _live: list[Candidate] = field(default_factory=list)
    _by_key: dict[str, Candidate] = field(default_factory=dict)
    _cancelled: set[str] = field(default_factory=set)
    _started: int = 0
    _planned: dict[int, tuple[PlannedModel, ...]] = field(default_factory=dict)

    def run(self) -> None:
        """Try proposals until there are ``spec.trials``; those of an earlier start are resumed first.

        The caller holds the lock of the study folder.

        Raises:
            Interrupted: the user stopped the search; the state of every trial is saved.
            UsageError: a configuration is not allowed, or the study folder can't be written.
            PluginError: the executor failed.
        """
        self.choices |= self.folder.read_choices()
        for proposal in self.optimiser.proposals():
            if proposal.state == "complete":
                self._planned[proposal.number] = self._plan(proposal)
            elif proposal.state == "running":
                self._add(proposal)
        runner = TrialRunner(
            self.folder,
            self.executor,
            self,
            self.outcome,
            resources=self.resources,
            order=self.order,
            describe_state=self.describe_state,
            resume_command=self.resume_command,
            cancelled=self._cancelled.__contains__,
        )
        self._write_plan()
        # Usually once. Where a worker found no trial to start, another seed of a proposal may be next.
        while self._live or self._may_ask():
            self._started = 0
            runner.run(self._models())
            if not self._started and (self._live or self._may_ask()):
                raise PluginError("the executor ended without taking a trial")
            for candidate in [one for one in self._live if one.busy]:
                # It stays a running proposal, which the next start resumes.
                self.listener.notice(f"{candidate.model.label}: the executor returned no outcome for it")
                self._live.remove(candidate)

    def describe_state(self) -> str:
        """Return how many proposals have ended."""
        ended = sum(proposal.state != "running" for proposal in self.optimiser.proposals())
        return f"{ended} of {max(ended, self.spec.trials)} trials done"

    def trial_progressed(self, model: PlannedModel, worker: str, event: Event) -> None:
        """Report the score of an epoch, and cancel the trial if it is to be pruned."""
        if event["kind"] == "epoch":
            candidate, scores = self._by_key[model.key], EpochScores.of(event)
            if scores and model.key not in self._cancelled and self._report(candidate, scores):
                self._cancelled.add(model.key)
        # A cancelled trial announces that it stops, as after Ctrl-C.
        elif model.key not in self._cancelled:
            self.listener.trial_progressed(model, worker, event)

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        """Continue with the next seed, or record how the proposal ended."""
        self.listener.trial_ended(model, outcome, results)
        candidate = self._by_key.pop(model.key)
        candidate.busy = False
        was_pruned = model.key in self._cancelled
        self._cancelled.discard(model.key)
        if was_pruned:
            self._end(candidate)
        elif outcome.state == "failed":
            self._fail(candidate, outcome.error)
        elif outcome.state == "stopped":
            # It stays a running proposal, which the next start resumes.
            self._live.remove(candidate)
        else:
            self._advance(candidate)

    def notice(self, text: str) -> None:
        """Pass on a message for the user."""
        self.listener.notice(text)

    def models_of(self, proposal: Proposal) -> tuple[PlannedModel, ...]:
        """Return the models of a proposal; none if it failed or runs, and is not planned yet."""
        # To plan it might fail again, and time steps before, which an interrupt may just have ended.
        if proposal.state in ("failed", "running"):
            return self._planned.get(proposal.number, ())
        return self._plan(proposal)

    def _plan(self, proposal: Proposal) -> tuple[PlannedModel, ...]:
        """Return the models of a proposal; the numbers of a budget are chosen if they are not known."""
        grid = fit_grid(
            self.registry,
            expand(self.registry, self.spec.study_of(proposal.settings)),
            self.choices,
            threads=int(self.resources.get("threads") or 0) or None,
            notice=lambda text: self.listener.notice(f"trial {proposal.number}: {text}"),
            graph=self.order.get("graph"),
        )
        self.choices |= grid.choices
        plan = make_plan(grid, self.folder, self.resources)
        seeds = len(plan.models) > 1
        return tuple(
            replace(
                model,
                label=proposal_label(proposal) + (f" seed {model.entries[0].config.seed}" if seeds else ""),
            )
            for model in plan.models
        )

    def _models(self) -> Iterator[PlannedModel]:
        """Yield each model to be trained next; the executor takes it when a worker is free."""
        while True:
            for candidate in list(self._live):
                # Two proposals can be the same configuration: the second one waits for the first.
                if (
                    not candidate.busy
                    and candidate.model.key not in self._by_key
                    and self._advance(candidate)
                ):
                    candidate.busy = True
                    self._started += 1
                    self._by_key[candidate.model.key] = candidate
                    yield candidate.model
                    break
            else:
                if not self._may_ask():
                    return
                self._add(self.optimiser.ask())
                self._write_plan()

    def _may_ask(self) -> bool:
        return len(self.optimiser.proposals()) < self.spec.trials

    def _add(self, proposal: Proposal) -> None:
        """Add a proposal to those that are tried; one that can't be trained has failed."""
        candidate = Candidate(proposal, self.spec.objective, ())
        self._live.append(candidate)
        try:
            candidate.models = self._plan(proposal)
        except Interrupted:
            raise
        # Only a whole configuration shows some errors, such as a budget that is too short for it.
        except CtcbenchError as error:
            self._fail(candidate, str(error))
            return
        self._planned[proposal.number] = tuple(candidate.models)

    def _advance(self, candidate: Candidate) -> bool:
        """Return True if the current model is to be trained; else the proposal has ended.

        The epochs that are recorded on the disk are reported first: those of an earlier start or study, and
        those of a trial that has just ended.
        """
        while candidate.finished < len(candidate.models):
            candidate.models = self._plan(candidate.proposal)
            model = candidate.model
            if model.stage == "failed":
                self._fail(candidate, model.error)
                return False
            trained = model.folder.is_finished
            for scores in recorded_epochs(model.folder):
                # A finished training costs nothing more, so that there is nothing to be pruned.
                if self._report(candidate, scores, may_prune=not trained):
                    self._end(candidate)
                    return False
            if model.stage != "done":
                return True
            if len(candidate.kept) == candidate.finished:
                self._fail(candidate, f"{model.folder.metrics_path}: no validation score is recorded")
                return False
            candidate.finished += 1
        self.optimiser.complete(candidate.number, candidate.score)
        self._end(candidate)
        return False

    def _report(self, candidate: Candidate, scores: EpochScores, *, may_prune: bool = True) -> bool:
        """Report an epoch; return True if the proposal is pruned because of it."""
        share = candidate.add(scores)
        is_worse = self.optimiser.report(candidate.number, share, candidate.score)
        # At the end of the last training there is nothing left to be saved.
        if not (is_worse and may_prune and share < 1):
            return False
        # At once and not when the trial has ended: a search that is killed meanwhile must not resume it.
        self.optimiser.prune(candidate.number)
        return True

    def _fail(self, candidate: Candidate, error: str) -> None:
        self.optimiser.fail(candidate.number, error)
        self._end(candidate)

    def _end(self, candidate: Candidate) -> None:
        self._live.remove(candidate)
        [proposal] = [one for one in self.optimiser.proposals() if one.number == candidate.number]
        self.listener.proposal_ended(proposal)
        if proposal.state == "pruned":
            self._planned.pop(proposal.number, None)
            self._write_plan()

    def _write_plan(self) -> None:
        models = {model.key: model for planned in self._planned.values() for model in planned}
        varied = tuple(parameter.name for parameter in self.spec.space.parameters)
        workers = max(1, int(self.resources.get("workers") or 1))
        self.write_plan(Plan(self.folder, tuple(models.values()), varied, workers, choices=self.choices))

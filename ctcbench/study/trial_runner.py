"""TrialRunner: runs models of a study with an executor, and records how each trial ended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ctcbench.contract.errors import CtcbenchError, PluginError
from ctcbench.contract.executors import Event, Executor, Listener, Outcome, Trial
from ctcbench.files.text import printable_lines
from ctcbench.processes.signals import Interrupted, stop_on_signals
from ctcbench.registry.attribution import attribute_errors
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.study.grid import GridEntry
from ctcbench.study.plan import PlannedModel, result_of
from ctcbench.study.study_folder import StudyFolder


class StudyListener(Protocol):
    """Interface of a listener to the progress of a study; called in the thread of `TrialRunner.run`."""

    def trial_progressed(self, model: PlannedModel, worker: str, event: Event) -> None:
        """Handle a progress event of a trial."""

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        """Handle the end of a trial; `results` are all results of its model, by their key."""

    def notice(self, text: str) -> None:
        """Handle a message for the user."""


@dataclass
class StudyOutcome:
    """How a study ended: the outcome of each trial that ran and the error of each failed model, by key.

    ``failed`` includes models that failed in an earlier start and were not tried again.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def stopped(self) -> list[Outcome]:
        """The trials that were stopped by themselves, or whose run folder another process had locked."""
        return [outcome for outcome in self.outcomes.values() if outcome.state == "stopped"]

    @property
    def complete(self) -> bool:
        """Whether every configuration has a result."""
        return not (self.failed or self.stopped)


@dataclass(frozen=True)
class TrialRunner:
    """Runs models with an executor, and records how each trial ended.

    Attributes:
        folder: the study folder; the caller holds its lock.
        outcome: receives the outcome of each trial.
        resources: the executor's description of itself, for the records.
        order: arguments of `PlannedModel.trial`.
        describe_state: returns how much is done, for the message of a stop.
        resume_command: the command that resumes the study.
        cancelled: returns whether the trial of a key is to be stopped by itself.
    """

    folder: StudyFolder
    executor: Executor
    study_listener: StudyListener
    outcome: StudyOutcome
    resources: Mapping[str, Any]
    order: Mapping[str, Any]
    describe_state: Callable[[], str]
    resume_command: str
    cancelled: Callable[[str], bool] = lambda key: False

    def run(self, models: Iterable[PlannedModel]) -> None:
        """Run the models; an iterator may make each from the outcomes so far.

        Raises:
            Interrupted: the user stopped the study; the state of every trial is saved.
            PluginError: the executor failed.
            UsageError: the study folder can't be written.
        """
        started: dict[str, PlannedModel] = {}

        def trial_of(model: PlannedModel) -> Trial:
            # Before the trial starts, because it will write results of the same names.
            for entry in model.pending:
                _set_aside(model.folder, entry, self.study_listener)
            started[model.key] = model
            # A model that a search runs a second time may have another outcome.
            self.outcome.outcomes.pop(model.key, None)
            return model.trial(**self.order)

        trials = list(map(trial_of, models)) if isinstance(models, Sequence) else map(trial_of, models)
        with stop_on_signals(self.study_listener.notice) as stop:
            trial_listener = Listener(
                tell=lambda key, worker, event: self.study_listener.trial_progressed(
                    started[key], worker, event
                ),
                stopping=lambda: stop.requested,
                cancelled=self.cancelled,
            )
            outcomes: Iterator[Outcome] = iter(())
            try:
                with attribute_errors(f"executor {type(self.executor).__name__} failed"):
                    outcomes = self.executor.run(trials, trial_listener)
                    for outcome in outcomes:
                        _require_awaited(outcome, started, self.outcome)
                        if outcome.state == "failed" and (stop.requested or self.cancelled(outcome.key)):
                            # A signal in the middle of an import can raise any error: not a failure of the
                            # trial.
                            outcome = replace(outcome, state="stopped", error="")
                        self._record(started[outcome.key], outcome)
            except KeyboardInterrupt:  # the second Ctrl-C: do not wait for the workers
                raise self._stopped("at once", "the rest resumes from its last checkpoint") from None
            finally:
                # An executor is usually a generator: closing it runs its `finally`, which ends its workers.
                if close := getattr(outcomes, "close", None):
                    close()
        if stop.requested:
            raise self._stopped("", f"the rest is saved in {self.folder.out}")

    def _stopped(self, how: str, rest: str) -> Interrupted:
        return Interrupted(
            f"stopped {how}{' ' * bool(how)}with {self.describe_state()}, {rest}; resume with: "
            f"{self.resume_command}"
        )

    def _record(self, model: PlannedModel, outcome: Outcome) -> None:
        # Looked up on disk: an executor may run the trial on a machine that does not share the folder.
        missing = [entry for entry in model.pending if result_of(model.folder, entry) is None]
        if outcome.state == "done" and missing:
            where = model.folder.result_path(missing[0].result_key)
            outcome = Outcome(
                outcome.key, "failed", f"the executor reported it as done, but {where} does not exist"
            )
        if outcome.state == "failed":
            # A plugin's message can hold lone surrogates, which no file in UTF-8 holds, and control
            # characters.
            error, trace = printable_lines(outcome.error), printable_lines(outcome.traceback)
            outcome = replace(
                outcome,
                error=error or "the executor reported no reason",
                traceback=trace,
                decoder_errors={key: printable_lines(why) for key, why in outcome.decoder_errors.items()},
            )
            if missing:
                self.outcome.failed[outcome.key] = outcome.error
            else:
                # Such as a worker that was killed between its last result and its outcome.
                self.study_listener.notice(f"{model.label}: {outcome.error}; all of its results are stored")
                outcome = Outcome(outcome.key, "done", seconds=outcome.seconds)
        self.outcome.outcomes[outcome.key] = outcome
        # A stopped trial needs no record: the next start resumes it from its checkpoint.
        if outcome.state != "stopped":
            self.folder.write_trial(
                outcome,
                tried=[entry.result_key for entry in model.pending],
                missing=[entry.result_key for entry in missing],
                trained=model.folder.is_finished,
                label=model.label,
                config=model.entries[0].config.model_dump(),
                # Only the time of a trial that began with the first step is the time that a model takes.
                whole=model.stage == "train",
                resources=dict(self.resources),
            )
        self.study_listener.trial_ended(model, outcome, model.results())


def _require_awaited(outcome: Outcome, todo: Mapping[str, PlannedModel], study_outcome: StudyOutcome) -> None:
    if not isinstance(outcome, Outcome):
        raise PluginError(f"the executor yielded {outcome!r}, which is not a ctcbench.Outcome")
    if outcome.key not in todo:
        raise PluginError(
            f"the executor yielded an outcome for {outcome.key!r}, which is not a trial of this study"
        )
    if outcome.key in study_outcome.outcomes:
        raise PluginError(f"the executor yielded a second outcome for {outcome.key}")


def _set_aside(run: RunFolder, entry: GridEntry, study_listener: StudyListener) -> None:
    """Rename a result file that can't be read, so that it is kept: another version may be able to read it."""
    path = run.result_path(entry.result_key)
    try:
        if run.has(path):
            run.read_result(entry.result_key)
    except CtcbenchError as error:
        kept = path.with_suffix(".json.unreadable")
        with contextlib.suppress(OSError):
            path.replace(kept)
            study_listener.notice(f"{error}; kept as {kept.name}, and computed again")

"""run_plan(): runs the trials of a plan with an executor, and records how each ended."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ctcbench.contract.errors import CtcbenchError, PluginError
from ctcbench.contract.executors import Event, Executor, Listener, Outcome
from ctcbench.files.text import printable_lines
from ctcbench.processes.signals import Interrupted, stop_on_signals
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_checks import require_executor
from ctcbench.registry.component_registry import Registry
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.study.grid import GridEntry
from ctcbench.study.plan import Plan, PlannedModel, result_of


def build_executor(registry: Registry, text: str, devices: Collection[str]) -> Executor:
    """Build the executor that `text` names, for trials with these values of the setting ``device``.

    Raises:
        UsageError: there is no such executor, or an option of it is wrong.
        PluginError: the built object is not an executor.
    """
    executor: Executor = registry.build("executor", text)
    # Optional. An executor need not give each worker a GPU, for example, if the study runs on the CPU.
    if for_devices := getattr(executor, "for_devices", None):
        with attribute_errors(f"{registry.describe_owner('executor', text)}: for_devices failed"):
            executor = for_devices(devices)
    return require_executor(registry.describe_owner("executor", text), executor)


def executor_resources(executor: Executor) -> dict[str, Any]:
    """Return what an executor reports about itself (workers, threads, GPUs); the study records it.

    Raises:
        PluginError: `describe` failed, or returned something that JSON cannot hold.
    """
    with attribute_errors(f"executor {type(executor).__name__}: describe failed"):
        resources = dict(executor.describe())
        # Tried here, so that the error names the executor and not the file that stores it.
        json.dumps(resources, allow_nan=False)
    return resources


class StudyListener(Protocol):
    """Interface of a listener to the progress of a study. Every call comes from the thread of `run_plan`."""

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


def run_plan(
    plan: Plan,
    executor: Executor,
    study_listener: StudyListener,
    *,
    resources: Mapping[str, Any],
    checkpoint_seconds: float = 60.0,
    graph: bool | None = None,
    resume_command: str = "the same command",
) -> StudyOutcome:
    """Run the pending trials of a plan.

    The caller holds the lock of the study folder and has written the plan.

    Raises:
        Interrupted: the user stopped the study; the state of every trial is saved.
        PluginError: the executor failed.
        UsageError: the study folder can't be written.
    """
    study_outcome = StudyOutcome(failed=plan.failed)
    todo = {model.key: model for model in plan.at("decode", "resume", "train")}
    # Before any trial starts, because it will write results of the same names.
    for model in todo.values():
        for entry in model.pending:
            _set_aside(model.folder, entry, study_listener)
    trials = [model.trial(checkpoint_seconds, graph) for model in todo.values()]
    with stop_on_signals(study_listener.notice) as stop:
        trial_listener = Listener(
            tell=lambda key, worker, event: study_listener.trial_progressed(todo[key], worker, event),
            stopping=lambda: stop.requested,
        )
        outcomes: Iterator[Outcome] = iter(())
        try:
            with attribute_errors(f"executor {type(executor).__name__} failed"):
                outcomes = executor.run(trials, trial_listener)
                for outcome in outcomes:
                    _require_awaited(outcome, todo, study_outcome)
                    if stop.requested and outcome.state == "failed":
                        # A signal in the middle of an import can raise any error: not a failure of the trial.
                        outcome = replace(outcome, state="stopped", error="")
                    _record(plan, todo[outcome.key], outcome, study_outcome, resources, study_listener)
        except KeyboardInterrupt:  # the second Ctrl-C: do not wait for the workers
            raise _stopped(
                plan,
                study_outcome,
                resume_command,
                "at once",
                "the rest resumes from its last checkpoint",
            ) from None
        finally:
            # An executor is usually a generator: closing it runs its `finally`, which ends its workers.
            if close := getattr(outcomes, "close", None):
                close()
    if stop.requested:
        raise _stopped(plan, study_outcome, resume_command, "", f"the rest is saved in {plan.folder.out}")
    # An executor may end early without an error; a model without an outcome must not count as done.
    for key in todo.keys() - study_outcome.outcomes.keys():
        study_outcome.failed[key] = "the executor returned no outcome for it"
    return study_outcome


def _stopped(plan: Plan, study_outcome: StudyOutcome, command: str, how: str, rest: str) -> Interrupted:
    done = sum(outcome.state == "done" for outcome in study_outcome.outcomes.values()) + len(plan.at("done"))
    counted = f"{done} of {len(plan.models)} models done"
    return Interrupted(f"stopped {how}{' ' * bool(how)}with {counted}, {rest}; resume with: {command}")


def _require_awaited(outcome: Outcome, todo: Mapping[str, PlannedModel], study_outcome: StudyOutcome) -> None:
    if not isinstance(outcome, Outcome):
        raise PluginError(f"the executor yielded {outcome!r}, which is not a ctcbench.Outcome")
    if outcome.key not in todo:
        raise PluginError(
            f"the executor yielded an outcome for {outcome.key!r}, which is not a trial of this study"
        )
    if outcome.key in study_outcome.outcomes:
        raise PluginError(f"the executor yielded a second outcome for {outcome.key}")


def _record(
    plan: Plan,
    model: PlannedModel,
    outcome: Outcome,
    study_outcome: StudyOutcome,
    resources: Mapping[str, Any],
    study_listener: StudyListener,
) -> None:
    # Looked up on disk: an executor may run the trial on a machine that does not share the folder.
    missing = [entry for entry in model.pending if result_of(model.folder, entry) is None]
    if outcome.state == "done" and missing:
        where = model.folder.result_path(missing[0].result_key)
        outcome = Outcome(
            outcome.key, "failed", f"the executor reported it as done, but {where} does not exist"
        )
    if outcome.state == "failed":
        # A plugin's message can hold lone surrogates, which no file in UTF-8 holds, and control characters.
        error, trace = printable_lines(outcome.error), printable_lines(outcome.traceback)
        outcome = replace(outcome, error=error or "the executor reported no reason", traceback=trace)
    study_outcome.outcomes[outcome.key] = outcome
    # A stopped trial needs no record: the next start resumes it from its checkpoint.
    if outcome.state != "stopped":
        plan.folder.write_trial(
            outcome,
            tried=[entry.result_key for entry in model.pending],
            missing=[entry.result_key for entry in missing],
            trained=model.folder.is_finished,
            label=model.label,
            config=model.entries[0].config.model_dump(),
            # Only the time of a trial that began with the first step is the time that a model takes.
            whole=model.stage == "train",
            resources=dict(resources),
        )
    if outcome.state == "failed":
        study_outcome.failed[outcome.key] = outcome.error
    study_listener.trial_ended(model, outcome, model.results())


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

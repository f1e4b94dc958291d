"""The plan of a study: its models, what each still needs, and an estimate of the time."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ctcbench.config.budget import Budget
from ctcbench.config.run_config import AFTER_TRAINING
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.executors import Trial
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.study.budget_choice import BudgetChoice
from ctcbench.study.grid import Grid, GridEntry
from ctcbench.study.study_folder import StudyFolder, decoder_failures
from ctcbench.study.time_estimate import TimeEstimate, TrialTiming
from ctcbench.study.trial_labels import entry_label, varying_settings

Stage = Literal["done", "decode", "resume", "train", "failed"]


@dataclass(frozen=True)
class PlannedModel:
    """One model of a study, which is trained once and decoded with one or more decoders.

    Attributes:
        label: name of the model in tables.
        folder: its run folder.
        entries: its configurations, which differ in the settings of decoding only.
        pending: the configurations without a result that are to be run.
        stage: the first thing to do; ``failed`` if every pending configuration failed in an earlier start.
        failures: errors of earlier starts by result key. These configurations are pending only if nothing
            else is.
        seconds: estimated seconds for the pending work; None if no finished model allows an estimate.
    """

    label: str
    folder: RunFolder
    entries: tuple[GridEntry, ...]
    pending: tuple[GridEntry, ...]
    stage: Stage
    failures: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None

    @property
    def error(self) -> str:
        """The first error of an earlier start that is not tried again, or an empty text."""
        return next(iter(self.failures.values()), "")

    @property
    def key(self) -> str:
        """The train key, which is the name of the run folder."""
        return self.folder.path.name

    def trial(self, checkpoint_seconds: float, graph: bool | None = None) -> Trial:
        """Return the trial that an executor runs for the pending configurations."""
        # Plain JSON, because an executor may send it to another machine. An absolute path, because the trial
        # may run in another working directory.
        order = {
            "key": self.key,
            "out": str(self.folder.path.parent.absolute()),
            "configs": [entry.config.model_dump() for entry in self.pending],
            "checkpoint_seconds": checkpoint_seconds,
            "graph": graph,
        }
        settings = self.entries[0].config.model_dump(exclude={"seed", *AFTER_TRAINING})
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        return Trial(self.key, self.label, order, recipe_key=digest)

    def results(self) -> dict[str, Result]:
        """Return the stored results by their key."""
        found = {entry.result_key: result_of(self.folder, entry) for entry in self.entries}
        return {key: result for key, result in found.items() if result}


@dataclass(frozen=True)
class Plan:
    """The models of a study, and what is to be done for each.

    Attributes:
        folder: the folder of the study.
        models: the models, in the order of their first configurations.
        varied: settings that differ between the configurations.
        workers: number of trials that run at once.
        notices: messages for the user.
        scale: factor that the images and epochs were multiplied by.
        choices: the numbers that the study's budget chose, by the digest of the configuration.
    """

    folder: StudyFolder
    models: tuple[PlannedModel, ...]
    varied: tuple[str, ...]
    workers: int
    notices: tuple[str, ...] = ()
    scale: float = 1.0
    choices: Mapping[str, BudgetChoice] = field(default_factory=dict)

    @property
    def budget(self) -> Budget | None:
        """The budget of the trainings, None if there is none."""
        return self.models[0].entries[0].budget if self.models else None

    def at(self, *stages: Stage) -> list[PlannedModel]:
        """Return the models at one of `stages`."""
        return [model for model in self.models if model.stage in stages]

    @property
    def failed(self) -> dict[str, str]:
        """The errors by train key of the models with failures that are not tried again."""
        return {model.key: model.error for model in self.models if model.failures}

    @property
    def configurations(self) -> int:
        """The number of configurations."""
        return sum(len(model.entries) for model in self.models)

    @property
    def decodings(self) -> int:
        """The number of pending decodings."""
        return sum(len(model.pending) for model in self.at("decode", "resume", "train"))

    @property
    def seconds(self) -> float | None:
        """The estimated seconds for the whole plan, None if a model has no estimate."""
        times = [model.seconds for model in self.at("decode", "resume", "train")]
        known = [time for time in times if time is not None]
        if len(known) < len(times):
            return None
        # Never less than the longest model, which one worker trains alone.
        return max([sum(known) / self.workers, *known]) if known else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document of a dry run."""
        return {
            "study": self.folder.name,
            "out": str(self.folder.out),
            "scale": self.scale,
            "budget_seconds": self.budget.seconds if self.budget else None,
            "configurations": self.configurations,
            "models": len(self.models),
            **{stage: len(self.at(stage)) for stage in ("train", "resume", "decode", "done", "failed")},
            "decodings": self.decodings,
            "workers": self.workers,
            "estimated_seconds": self.seconds,
            "varied": list(self.varied),
            "trials": [
                {
                    "key": model.key,
                    "label": model.label,
                    "stage": model.stage,
                    "error": model.error or None,
                    "estimated_seconds": model.seconds,
                    "results": {e.result_key: e.config.model_dump() for e in model.entries},
                    "pending": [e.result_key for e in model.pending],
                }
                for model in self.models
            ],
            "notices": list(self.notices),
        }


def make_plan(
    grid: Grid, folder: StudyFolder, resources: Mapping[str, Any], *, retry_failed: bool = False
) -> Plan:
    """Return the plan for a grid; stored results and finished training are not repeated.

    Args:
        grid: the configurations.
        folder: folder of the study, whose records of failures are read.
        resources: the executor's description of itself; ``workers`` is used.
        retry_failed: whether configurations that failed in an earlier start are run again.
    """
    names = varying_settings(grid.entries)
    by_key: dict[str, list[GridEntry]] = {}
    for entry in grid.entries:
        by_key.setdefault(entry.train_key, []).append(entry)
    records = {key: folder.read_trial(key) for key in by_key}
    estimate = TimeEstimate(
        timing
        for key, entries in by_key.items()
        if (timing := TrialTiming.of(entries[0].config, RunFolder(folder.out / key), records[key]))
    )
    models = [
        _model(folder.out / key, entries, names, {} if retry_failed else records[key], estimate, grid.choices)
        for key, entries in by_key.items()
    ]
    # The executor may be a plugin that does not state a number of workers.
    workers = max(1, int(resources.get("workers") or 1))
    return Plan(folder, tuple(models), tuple(names), workers, grid.notices, grid.scale, grid.choices)


def _model(
    path: Path,
    entries: list[GridEntry],
    names: list[str],
    record: Mapping[str, Any],
    estimate: TimeEstimate,
    choices: Mapping[str, BudgetChoice],
) -> PlannedModel:
    run = RunFolder(path)
    choice = choices.get(entries[0].digest)
    pending = [entry for entry in entries if result_of(run, entry) is None]
    # Decoders fail each by itself, and only they can have failed if the training succeeded.
    errors = decoder_failures(record)
    if not errors and not run.is_finished and record.get("state") == "failed":
        errors = {entry.result_key: str(record.get("error", "")) for entry in pending}
    failures = {e.result_key: errors[e.result_key] for e in pending if e.result_key in errors}
    todo = [entry for entry in pending if entry.result_key not in failures]
    # The order matters: what failed is not tried again, and only the rest decides what is done first.
    stage: Stage
    if not pending:
        stage = "done"
    elif not todo:
        stage = "failed"
    elif run.is_finished:
        stage = "decode"
    else:
        stage = "resume" if run.has(run.checkpoint_path) else "train"
    return PlannedModel(
        label=entry_label(entries[0], names),
        folder=run,
        entries=tuple(entries),
        pending=tuple(todo or pending),
        stage=stage,
        failures=failures,
        seconds=estimate.seconds(
            entries[0].config,
            len(todo),
            trained=run.is_finished,
            expected=choice.training_seconds if choice else None,
        )
        if todo
        else 0.0,
    )


def result_of(run: RunFolder, entry: GridEntry) -> Result | None:
    """Return the stored result of a configuration; None if missing, damaged, or of other test images."""
    with contextlib.suppress(CtcbenchError):
        if not run.is_finished or not run.has(run.result_path(entry.result_key)):
            return None
        # The number of test images is part of neither key.
        found = run.read_result(entry.result_key)
        if found.config.get("test_samples") == entry.config.test_samples:
            return found
    return None

"""What the studies beside run folders record: names and scales of configurations, and failed trials."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import Field

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.json_files import parse_object
from ctcbench.files.json_records import Name, Record, Text, read_record
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.reporting.report_model import Failure
from ctcbench.results.decoder_key import is_file_name
from ctcbench.results.out_folder import is_run, is_study, split_study
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.study.study_folder import SIZE_LIMIT

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class StudiedConfiguration:
    """A configuration in a study.

    Attributes:
        name: that of its rule or preset.
        scale: the study's.
        chosen: the settings that the study's budget chose.
    """

    name: str
    scale: float = 1.0
    chosen: tuple[str, ...] = ()


class PlannedNames(Record):
    """The parts of a model in a stored plan that name its results; plans of early versions have no names."""

    key: Name
    names: dict[Name, Name] = Field(default_factory=dict)
    chosen: list[Name] = Field(default_factory=list)


class StoredPlan(Record):
    """The parts of a study's ``plan.json`` that a report uses."""

    created: Name = ""
    scale: float = Field(default=1.0, gt=0, le=1)
    models: list[PlannedNames] = Field(default_factory=list)


class StoredTrial(Record):
    """The parts of a study's ``trials/<key>.json`` that a report uses."""

    key: Name = ""
    state: Name = ""
    error: Text | None = None
    label: Text | None = None
    finished: Name | None = None
    results: list[Name] | None = None


def find_studied(out: Path) -> dict[Path, StudiedConfiguration]:
    """Return what studies record of results, by path; of several plans the newest.

    `out` is a folder of runs with studies in ``out/studies``, the folder of a study, or a run folder, beside
    which the studies are. Plans that cannot be read are ignored: the results are complete without them.
    """
    root, study = (out.parent, "*") if is_run(out) else _place(out)
    found: dict[Path, StudiedConfiguration] = {}
    # Earlier plans of a study are kept as plan-<n>.json; results that only they have still have a name.
    plans = [plan for _, plan in _records(StoredPlan, root, f"{study}/plan*.json")]
    for plan in sorted(plans, key=lambda plan: plan.created):
        for model in plan.models:
            for result_key, name in model.names.items():
                # A key that is not a file name would lead out of the folder; no study writes one.
                if is_file_name(model.key) and is_file_name(result_key):
                    path = root / model.key / "results" / f"{result_key}.json"
                    found[path.resolve()] = StudiedConfiguration(name, plan.scale, tuple(model.chosen))
    return found


def studied_configuration(
    result: Result, studied: Mapping[Path, StudiedConfiguration]
) -> StudiedConfiguration | None:
    """Return what a study records of a result; None if no study has it."""
    return studied.get(result.path.resolve()) if result.path else None


def planned_results(study: Path) -> dict[Path, list[str]]:
    """Return the results of a study's latest plan: their keys, by the path of the run folder.

    Raises:
        UsageError: the plan can't be read.
    """
    root, name = _place(study)
    for _, plan in _records(StoredPlan, root, f"{name}/plan.json"):
        return {
            root / model.key: [key for key in model.names if is_file_name(key)]
            for model in plan.models
            if is_file_name(model.key)
        }
    raise UsageError(f"{study}: its plan.json can't be read; give {root} for all of its runs")


def find_unfinished_studies(*outs: Path) -> list[str]:
    """Return a sentence on each study of which results of the latest plan are missing, once for each study.

    `outs` are folders of runs with studies in ``out/studies``, or the folders of studies.
    """
    plans: dict[Path, tuple[Path, Path, StoredPlan]] = {}
    # The latest plan alone: what an earlier one asked for may have been dropped on purpose.
    for out in outs:
        root, study = _place(out)
        for path, plan in _records(StoredPlan, root, f"{study}/plan.json"):
            plans.setdefault(path.resolve(), (root, path, plan))
    found = []
    for root, path, plan in plans.values():
        results = [
            root / model.key / "results" / f"{result_key}.json"
            for model in plan.models
            for result_key in model.names
            if is_file_name(model.key) and is_file_name(result_key)
        ]
        if missing := sum(not os.path.lexists(result) for result in results):
            found.append(
                f"study {path.parent.name}: {missing} of {len(results)} configurations have no result "
                f"(stopped, failed or not started)"
            )
    return found


def find_failures(*outs: Path) -> list[Failure]:
    """Return the failed trials of studies whose results do not exist by now, one for each run folder.

    `outs` are folders of runs with studies in ``out/studies``, or the folders of studies, whose latest plans
    then have the trials. Another study may have produced the results since, or an ordinary run in the same
    folder, which records no trial. Records of trials that cannot be read are ignored.
    """
    newest: dict[Path, tuple[Path, StoredTrial]] = {}
    for out in outs:
        root, study = _place(out)
        planned = None if study == "*" else {path.name for path in planned_results(out)}
        for path, trial in _records(StoredTrial, root, f"{study}/trials/*.json"):
            key = trial.key or path.stem
            # As above: a key that is not a file name would lead out of the folder.
            if not is_file_name(key) or (planned is not None and key not in planned):
                continue
            # The record of a study may be found twice, in its own folder and in that of all studies.
            folder = (root / key).resolve()
            _, known = newest.get(folder, (None, None))
            if not known or (trial.finished or "") >= (known.finished or ""):
                newest[folder] = root / key, trial
    return [
        Failure(
            folder,
            _one_line(trial.error) or "no reason was recorded",
            _one_line(trial.label),
            _settings(folder),
        )
        for _, (folder, trial) in sorted(newest.items(), key=lambda item: item[0])
        if trial.state == "failed" and not _done_since(folder, trial.results)
    ]


def _place(out: Path) -> tuple[Path, str]:
    """Return the folder of runs, and the pattern of the names of its studies that `out` stands for."""
    if not is_study(out):
        return out, "*"
    root, name = split_study(out)
    # A name may have brackets, which are no pattern.
    return root, glob.escape(name)


def _records(model: type[R], root: Path, pattern: str) -> Iterator[tuple[Path, R]]:
    """Yield the files of studies whose names match `pattern`, a record each; unreadable ones are left out."""
    files = PlainFolder(root)
    folder = PurePosixPath(pattern).parent.name if pattern.count("/") > 1 else ""
    for study in files.names("studies"):
        with contextlib.suppress(CtcbenchError):
            for name in files.names(f"{study}/{folder}".rstrip("/")):
                if PurePosixPath(name).match(pattern):
                    with contextlib.suppress(CtcbenchError):
                        path = root / name
                        yield path, read_record(model, parse_object(files.read(name, SIZE_LIMIT), path), path)


def _done_since(folder: Path, results: list[str] | None) -> bool:
    """Return whether training is finished, and every result that the trial did not make can be read.

    None: the record is of an early version, which did not list them.
    """
    run = RunFolder(folder)
    with contextlib.suppress(CtcbenchError):
        # An empty list: its worker ended with an error when it had made them all.
        if results is None or not (all(map(is_file_name, results)) and run.is_finished):
            return False
        return all(run.read_result(key) for key in results)
    return False


def _settings(folder: Path) -> dict[str, Any]:
    try:
        return dict(RunFolder(folder).read_config())
    except CtcbenchError:
        return {}  # the run failed before it had a folder


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())

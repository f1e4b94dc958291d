"""What the studies beside run folders record: names and scales of configurations, and failed trials."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import Field

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import parse_object
from ctcbench.files.json_records import Name, Record, Text, read_record
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.reporting.report_model import Failure
from ctcbench.results.decoder_key import is_file_name
from ctcbench.results.out_folder import is_run
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
    """Return what the studies in ``out/studies`` record of results, by path; of several plans the newest.

    Plans that cannot be read are ignored: the results are complete without them.
    """
    # `out` may be a single run folder; its study is beside it.
    root = out.parent if is_run(out) else out
    found: dict[Path, StudiedConfiguration] = {}
    # Earlier plans of a study are kept as plan-<n>.json; results that only they have still have a name.
    plans = [plan for _, plan in _records(StoredPlan, root, "*/plan*.json")]
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


def find_unfinished_studies(out: Path) -> list[str]:
    """Return a sentence on each study in ``out/studies`` of which results of the latest plan are missing."""
    found = []
    # The latest plan alone: what an earlier one asked for may have been dropped on purpose.
    for path, plan in _records(StoredPlan, out, "*/plan.json"):
        results = [
            out / model.key / "results" / f"{result_key}.json"
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


def find_failures(out: Path) -> list[Failure]:
    """Return the failed trials of the studies in ``out/studies`` whose results do not exist by now.

    Another study may have produced them since, or an ordinary run in the same folder, which records no
    trial. Records of trials that cannot be read are ignored.
    """
    newest: dict[str, StoredTrial] = {}
    for path, trial in _records(StoredTrial, out, "*/trials/*.json"):
        key = trial.key or path.stem
        known = newest.get(key)
        # As above: a key that is not a file name would lead out of the folder.
        if is_file_name(key) and (not known or (trial.finished or "") >= (known.finished or "")):
            newest[key] = trial
    return [
        Failure(
            out / key,
            _one_line(trial.error) or "no reason was recorded",
            _one_line(trial.label),
            _settings(out / key),
        )
        for key, trial in sorted(newest.items())
        if trial.state == "failed" and not _done_since(out / key, trial.results or [])
    ]


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


def _done_since(folder: Path, results: list[str]) -> bool:
    """Return whether training is finished and every result that the trial was to make can be read."""
    run = RunFolder(folder)
    with contextlib.suppress(CtcbenchError):
        if not (results and all(map(is_file_name, results)) and run.is_finished):
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

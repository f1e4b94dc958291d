"""run_study(): plans, locks, runs and reports a study, for `ctcbench ablate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ctcbench.cli.exit_codes import DONE, FAILED
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.study_progress import study_progress
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted
from ctcbench.files.shell_words import quote_word
from ctcbench.files.text import one_line, printable, printable_lines
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting.number_format import seconds
from ctcbench.reporting.report_model import Failure
from ctcbench.study.available_devices import require_devices
from ctcbench.study.budget_fitting import describe_deviations, fit_grid
from ctcbench.study.grid import Grid
from ctcbench.study.mixture_check import check_mixtures
from ctcbench.study.plan import Plan, make_plan
from ctcbench.study.plan_changes import plan_changes
from ctcbench.study.plan_document import plan_document
from ctcbench.study.scale import scale_note
from ctcbench.study.study_execution import build_executor, executor_resources, run_plan
from ctcbench.study.study_file import StudySpec
from ctcbench.study.study_folder import StudyFolder
from ctcbench.study.trial_runner import StudyOutcome

_DEFAULT_EXECUTOR = "local"
_SHOWN = 40  # models that a dry run lists


@dataclass(frozen=True)
class StudyRequest:
    """A study and how to run it.

    Attributes:
        spec: the study as it was described.
        grid: its configurations.
        out: folder that contains the run folders.
        executor: component string; None: the executor of the study's last start, else ``local``.
        retry_failed: whether configurations that failed in an earlier start are run again.
        checkpoint_seconds: seconds between the checkpoints of a training.
        graph: whether training steps are captured as CUDA graphs; None: on CUDA devices.
        dry_run: whether the plan is shown and nothing is run.
        as_json: whether one JSON document is printed in place of tables.
        command: command line that resumes the study.
    """

    spec: StudySpec
    grid: Grid
    out: Path
    executor: str | None
    retry_failed: bool
    checkpoint_seconds: float
    graph: bool | None
    dry_run: bool
    as_json: bool
    command: str


def run_study(registry: Registry, request: StudyRequest) -> int:
    """Run the study and print its report, or only show its plan; return the exit code.

    Raises:
        UsageError: another study runs in the folder, or the folder can't be written.
        Interrupted: the user stopped the study.
    """
    folder = StudyFolder(request.out, request.spec.name)
    if folder.is_search():
        raise UsageError(f"{folder.path} is a search of `ctcbench tune`; give the study another --name")
    recorded = folder.read_plan() or {}
    source = str(request.spec.path or request.command)
    # The number of threads can change the last bits, so a study keeps the executor that it started with.
    text = request.executor or str(recorded.get("executor") or _DEFAULT_EXECUTOR)
    text = registry.resolve("executor", text)
    executor = build_executor(registry, text, {entry.config.device for entry in request.grid.entries})
    resources = executor_resources(executor)
    require_devices(registry, request.grid, folder, resources, graph=request.graph)
    # A dry run writes nothing, so it needs no lock and can show the state of a study that is running.
    if request.dry_run:
        plan = _plan(registry, request, folder, resources)
        document = plan_document(registry, plan, text, resources, source)
        if recorded and (changed := plan_changes(recorded, document)):
            plan = replace(plan, notices=(*plan.notices, _changed(folder, changed)))
        _show_plan(plan, request)
        return DONE
    with folder.lock():
        # Planned under the lock: another start of the study may have finished trials a moment ago.
        plan = _plan(registry, request, folder, resources)
        document = plan_document(registry, plan, text, resources, source)
        changed = folder.write_plan(document)
        with study_progress(plan) as progress:
            for notice in plan.notices:
                progress.notice(notice)
            if changed:
                progress.notice(_changed(folder, changed))
            progress.print_line(Text(_summary(plan), "bold"))
            ended = run_plan(
                plan,
                executor,
                progress,
                resources=resources,
                checkpoint_seconds=request.checkpoint_seconds,
                graph=request.graph,
                resume_command=request.command,
            )
    _show_results(registry, plan, ended, request)
    return DONE if ended.complete else FAILED


def _plan(
    registry: Registry, request: StudyRequest, folder: StudyFolder, resources: Mapping[str, Any]
) -> Plan:
    """Return the plan; numbers that a budget has not chosen in an earlier start are chosen now."""
    grid = fit_grid(
        registry,
        request.grid,
        folder.read_choices(),
        threads=int(resources.get("threads") or 0) or None,
        notice=lambda text: typer.echo(printable_lines(text), err=True),
        graph=request.graph,
    )
    check_mixtures(grid)
    return make_plan(grid, folder, resources, retry_failed=request.retry_failed)


def _changed(folder: StudyFolder, changed: Sequence[str]) -> str:
    return f"study {folder.name} has changed ({'; '.join(changed)}); finished results are kept"


def _summary(plan: Plan) -> str:
    """Return the plan in one line: ``20 models, 40 configurations: 12 to train, 1 to resume …``."""
    words = {"train": "to train", "resume": "to resume", "decode": "to decode", "done": "done"}
    parts = [f"{len(plan.at(stage))} {word}" for stage, word in words.items() if plan.at(stage)]  # type: ignore[arg-type]
    if failed := len(plan.failed):
        parts.append(f"{failed} failed earlier (--retry-failed runs them again)")
    todo = plan.decodings
    if todo:
        time = plan.seconds
        note = "time unknown until the first are done" if time is None else f"about {seconds(time)}"
        parts.append(f"{counted(todo, 'decoding')} to do, {note}")
    scale = f", {scale_note(plan.scale)}" if scale_note(plan.scale) else ""
    scale += f", budget {plan.budget.text}" if plan.budget else ""
    models = f"{counted(len(plan.models), 'model')}, {counted(plan.configurations, 'configuration')}"
    return f"{plan.folder.name}{scale}: {models}: " + ", ".join(parts)


def _show_plan(plan: Plan, request: StudyRequest) -> None:
    if request.as_json:
        print_json(plan.to_json())
        return
    words = {"train": "train", "resume": "resume", "decode": "decode", "done": "done", "failed": "failed"}
    table = Table(box=None, padding=(0, 2, 0, 0))
    for header in ("model", "next step", "decodings", "estimate"):
        table.add_column(header, justify="right" if header in ("decodings", "estimate") else "left")
    for model in plan.models[:_SHOWN]:
        left = len(model.pending) if model.stage not in ("done", "failed") else 0
        time = (
            ""
            if model.stage in ("done", "failed")
            else "?"
            if model.seconds is None
            else seconds(model.seconds)
        )
        stage = Text(words[model.stage], "red" if model.stage == "failed" else "")
        if model.failures:
            note = (
                ""
                if model.stage == "failed"
                else f"; {counted(len(model.failures), 'decoder')} failed earlier"
            )
            stage.append(f"{note}: {one_line(model.error)}")
        table.add_row(Text(printable(model.label)), stage, f"{left} of {len(model.entries)}", time)
    console = output_console()
    console.print(table)
    if len(plan.models) > _SHOWN:
        console.print(f"… and {len(plan.models) - _SHOWN} more (--json lists all)")
    for notice in plan.notices:
        console.print(Text(printable_lines(notice), "yellow"), soft_wrap=True)
    console.print(Text(_summary(plan), "bold"), soft_wrap=True)


def _show_results(registry: Registry, plan: Plan, ended: StudyOutcome, request: StudyRequest) -> None:
    # Read from disk, so that the results of earlier starts are in the report too.
    rows = [(model, key, result) for model in plan.models for key, result in model.results().items()]
    command = f"ctcbench report {quote_word(str(plan.folder.path))} -o report.html"
    if request.as_json:
        document = _document(plan, ended)
        document["results"] = [
            {"run": str(model.folder.path), "result": key, **result.to_json()} for model, key, result in rows
        ]
        print_json(document)
        return
    from ctcbench.reporting.build_report import build_report  # imports numpy, which a dry run does not need
    from ctcbench.reporting.formats.terminal import report_table
    from ctcbench.reporting.study_records import find_studied

    # Models that failed have no result, and the report lists them as such.
    failures = [
        Failure(model.folder.path, ended.failed[model.key], model.label, model.entries[0].config.model_dump())
        for model in plan.models
        if model.key in ended.failed
    ]
    results = [result for _, _, result in rows]
    report = build_report(
        results,
        columns=registry.columns(),
        failures=failures,
        studied=find_studied(plan.folder.path),
    )
    console = output_console()
    for table in report_table(report, console.width):
        console.print(table)
    parts: list[RenderableType] = [""]
    parts.append(Text.assemble("study folder  ", (printable(str(plan.folder.path)), "bold")))
    parts.append(Text.assemble("next          ", (command, "cyan")))
    if ended.failed:
        parts.append(Text.assemble("              ", (f"{request.command} --retry-failed", "cyan")))
    if deviations := describe_deviations(plan, rows):
        parts.append(Text(deviations, "yellow"))
    if stopped := len(ended.stopped):
        note = f"{counted(stopped, 'model')} stopped, state saved; resume with: "
        parts.append(Text.assemble((note, "yellow"), (request.command, "cyan")))
    # soft_wrap: a command that rich breaks into lines can't be pasted.
    for part in parts:
        console.print(part, soft_wrap=True)


def _document(plan: Plan, ended: StudyOutcome) -> dict[str, Any]:
    """Return the study as `--json` prints it, without its results."""
    trials: list[Mapping[str, Any]] = []
    for model in plan.models:
        outcome = ended.outcomes.get(model.key)
        stopped = outcome is not None and outcome.state == "stopped"
        state = "stopped" if stopped else "failed" if model.key in ended.failed else "done"
        trials.append(
            {
                "key": model.key,
                "label": model.label,
                "state": state,
                "error": ended.failed.get(model.key) or (outcome.error if outcome else "") or None,
                "seconds": outcome.seconds if outcome else None,
            }
        )
    return {
        "study": plan.folder.name, "out": str(plan.folder.out), "scale": plan.scale, "trials": trials
    }  # fmt: skip

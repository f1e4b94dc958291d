"""`ctcbench ablate`: a grid of configurations and seeds, each model trained once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ctcbench.cli.completion import complete_component
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.setting_flags import with_axes
from ctcbench.cli.shared_flags import EXECUTION, AsJson, Budget, CheckpointSeconds, Graph, Out, Resume
from ctcbench.config.budget import read_duration
from ctcbench.config.presets import preset_names
from ctcbench.contract.errors import UsageError
from ctcbench.files.shell_words import join_quoted
from ctcbench.processes.signals import Interrupted
from ctcbench.study.scale import read_scale
from ctcbench.study.seeds import read_seeds
from ctcbench.study.study_file import StudySpec, find_study, read_study, study_names

if TYPE_CHECKING:
    from ctcbench.study.grid import Grid

_STUDY = "Study"


@with_axes
def ablate(
    preset: list[str],
    given: dict[str, list[Any]],
    *,
    ctx: typer.Context,
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY",
            help=f"a TOML file, or the name of a study that ctcbench contains: {', '.join(study_names())}",
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="number of seeds (5: 0 to 4), or a list of seeds (3,5,7; one seed: 3,)",
            show_default=False,
            rich_help_panel=_STUDY,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="name of the study (default: its file's name)", rich_help_panel=_STUDY
        ),
    ] = None,
    max_runs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="number of configurations above which --yes is needed (default: 500)",
            rich_help_panel=_STUDY,
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="X",
            help="factor for images and epochs of every configuration, above 0 and at most 1 (default: 1)",
            show_default=False,
            rich_help_panel=_STUDY,
        ),
    ] = None,
    budget: Budget = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="run only the configurations with this text in their name",
            show_default=False,
            rich_help_panel=_STUDY,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="run a grid larger than --max-runs", rich_help_panel=_STUDY)
    ] = False,
    out: Out = Path("runs"),
    executor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="what runs the trials (default: the one of the study's last start, else local)",
            rich_help_panel=EXECUTION,
            autocompletion=complete_component("executor"),
        ),
    ] = None,
    resume: Resume = False,  # accepted, because `ctcbench run` has it; a study always resumes
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="run failed trials again", rich_help_panel=EXECUTION),
    ] = False,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    graph: Graph = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show the plan without running it", rich_help_panel=EXECUTION)
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a study: a grid of configurations from repeated flags or a file; each model is trained once."""
    # Imports numpy, which `ablate --help` must not wait for.
    from ctcbench.cli.study_run import StudyRequest, run_study

    spec, grid = _spec_and_grid(
        study,
        preset,
        given,
        seeds=seeds,
        scale=scale,
        budget=budget,
        only=only or [],
        name=name,
        max_runs=max_runs,
        confirmed=yes,
    )
    request = StudyRequest(
        spec=spec,
        grid=grid,
        out=out,
        executor=executor or spec.executor,
        retry_failed=retry_failed,
        checkpoint_seconds=checkpoint_seconds,
        graph=graph,
        dry_run=dry_run,
        as_json=as_json,
        command=_command(ctx.obj),
    )
    try:
        code = run_study(registry(), request)
    except KeyboardInterrupt:  # before the first trial, or during the report
        raise Interrupted(f"interrupted; resume with: {request.command}") from None
    if code:
        raise typer.Exit(code)


def _spec_and_grid(
    study: str | None,
    preset: Sequence[str],
    given: Mapping[str, Sequence[Any]],
    *,
    seeds: str | None,
    scale: str | None,
    budget: str | None,
    only: Sequence[str],
    name: str | None,
    max_runs: int | None,
    confirmed: bool,
) -> tuple[StudySpec, Grid]:
    """Return the study of a file or of flags, and its configurations.

    Args:
        study: path or name of a study, None for a study of flags alone.
        preset: presets that were given; several are an axis.
        given: values of each setting that was given; several are an axis.
        seeds: count or list of seeds.
        scale: factor for images and epochs.
        budget: duration of each training.
        only: parts of the names of the configurations to keep, empty for all.
        name: name of the study, None for that of its file.
        max_runs: number of configurations above which the study must be `confirmed`.
        confirmed: whether a larger study is run.

    Raises:
        UsageError: a flag or the file is wrong.
    """
    from ctcbench.results.decoder_key import FILE_NAME, is_file_name
    from ctcbench.study.grid import expand

    # The name becomes a folder in `out`.
    if name is not None and not is_file_name(name):
        raise UsageError(f"--name {name}: expected {FILE_NAME}")
    # `ctcbench run --preset` of a study refers to this command, where it can only mean the study.
    if not study and len(preset) == 1 and preset[0] in study_names() and preset[0] not in preset_names():
        study, preset = preset[0], []
    spec = read_study(find_study(study)) if study else StudySpec()
    chosen: tuple[int, ...] = ()
    if seeds is not None:
        try:
            chosen = read_seeds(seeds)
        except UsageError as error:
            # The message begins with the key of the study file, which is the name of the flag as well.
            raise UsageError(f"--{error}") from None
    if given or preset or chosen:
        if study:
            # Errors of the file are reported before the flags are applied, so that they name the file.
            expand(registry(), spec, confirmed=True)
        # Without the path: from now on a wrong value is a flag's, so that errors must not name the file.
        spec = replace(spec.with_flags(preset, given, chosen), path=None)
    elif not study:
        raise UsageError(f"no study: give a file, the name of a study ({', '.join(study_names())}), or flags")
    spec = replace(spec, max_runs=max_runs or spec.max_runs)
    if scale is not None:
        try:
            spec = replace(spec, scale=read_scale(scale))
        except UsageError as error:
            raise UsageError(f"--{error}") from None
    if budget is not None:
        read_duration(budget)
        spec = replace(spec, budget=budget, flagged=spec.flagged | {"budget"})
    grid = expand(registry(), spec, confirmed=confirmed).only(only)
    # The digest of a budget too: the numbers that it chooses are not known yet.
    keys = sorted(f"{e.train_key}/{e.result_key}{e.digest and f'/{e.digest}'}" for e in grid.entries)
    # A study without a name is named by its configurations, so that the same flags resume it.
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:8]
    return replace(spec, name=name or spec.name or f"ablate-{digest}"), grid


def _command(arguments: Sequence[str]) -> str:
    """Return the command line that resumes the study."""
    # The failed trials have been run again by then, and a dry run resumes nothing.
    return join_quoted(
        ["ctcbench", *(word for word in arguments if word not in ("--retry-failed", "--dry-run"))]
    )

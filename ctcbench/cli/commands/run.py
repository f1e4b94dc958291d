"""`ctcbench run`: trains, decodes and scores one configuration, and prints its report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import print_json
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson, Budget, CheckpointSeconds, Fresh, Graph, Out, Resume, Workers
from ctcbench.config.budget import CHOSEN_SETTINGS, make_budget
from ctcbench.config.presets import gpu_preset
from ctcbench.config.run_config import RunConfig, flag
from ctcbench.contract.errors import UsageError
from ctcbench.files.shell_words import join_quoted
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.distributed.process_rank import read_process_rank

if TYPE_CHECKING:
    from ctcbench.config.recipe import Recipe
    from ctcbench.training.progress_events import ProgressListener
    from ctcbench.training.runtime import Runtime


@with_settings
def run(
    config: RunConfig,
    *,
    ctx: typer.Context,
    out: Out = Path("runs"),
    resume: Resume = False,
    fresh: Fresh = False,
    budget: Budget = None,
    workers: Workers = None,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    graph: Graph = None,
    as_json: AsJson = False,
) -> None:
    """Train, decode and score one configuration, and print its report."""
    # The pipeline checks this too, but only after torch is imported.
    if resume and fresh:
        raise UsageError(
            "--resume and --fresh: give one of them; --resume continues the run, --fresh deletes it"
        )
    # Only flags that were typed: presets and files nearly always have both numbers.
    typed = [name for name in CHOSEN_SETTINGS if ctx.params[name]]
    chooser = make_budget(budget, typed) if budget is not None else None
    from ctcbench.cli.progress import progress_listener
    from ctcbench.config.recipe import resolve
    from ctcbench.training.runtime import Runtime

    # Before torch is imported, so that a mistyped name is reported at once.
    recipe = resolve(registry(), config)
    runtime = Runtime(
        out=out,
        resume=resume,
        fresh=fresh,
        budget=chooser,
        workers=workers,
        checkpoint_seconds=checkpoint_seconds,
        graph=graph,
        resume_command=resume_command(ctx.obj),
    )

    def fitted() -> Recipe | None:
        from ctcbench.pipeline.budget_stage import find_fitted  # imports numpy

        return find_fitted(recipe, runtime)

    with interrupts_explained(fitted, runtime):
        with progress_listener() as listener:
            from ctcbench.pipeline import runner

            name_gpu_preset(ctx.params["preset"], recipe.config, listener)
            result = runner.run(recipe, replace(runtime, listener=listener))
        # torchrun runs this in every process, and each has the result.
        if not read_process_rank().is_main:
            return
        if as_json:
            print_json(result.to_json())
            return
        from ctcbench.cli.result_output import print_next, print_report

        assert result.folder
        print_report(result, result.folder)
        if chooser:
            numbers = {name: result.config[name] for name in chooser.chosen}
            print_next("repeat", exact_command(ctx.obj, numbers))


def name_gpu_preset(presets: list[str] | None, config: RunConfig, listener: ProgressListener) -> None:
    """Give a notice where a run on a GPU has the last of `presets`, which is for a CPU."""
    found = gpu_preset(presets[-1]) if presets else ""
    if not presets or not found:
        return
    from ctcbench.training.device import choose_compute

    rank = read_process_rank()
    if rank.is_main and choose_compute(config, rank).device.type == "cuda":
        listener.notice(f"--preset {presets[-1]} has the batches of a CPU; --preset {found} is for a GPU")


@contextlib.contextmanager
def interrupts_explained(find_recipe: Callable[[], Recipe | None], runtime: Runtime) -> Iterator[None]:
    """Raise KeyboardInterrupt of the body as Interrupted, which says what is saved and how to resume.

    `find_recipe` returns the recipe of the run; None if a budget has not chosen its numbers yet.

    Raises:
        Interrupted: the body raised KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        recipe = find_recipe()
        folder = RunFolder(runtime.out / recipe.train_key) if recipe else None
        if folder and (folder.is_finished or folder.checkpoint_path.exists()):
            command = runtime.resume_command
            raise Interrupted(f"interrupted; {folder.path} is kept; resume with: {command}") from None
        raise Interrupted("interrupted before the first checkpoint: there is nothing to resume") from None


def resume_command(arguments: Sequence[str]) -> str:
    """Return the command line that resumes a run started with `arguments`."""
    return _command_line([*_without_starts(arguments), "--resume"])


def exact_command(arguments: Sequence[str], numbers: Mapping[str, int]) -> str:
    """Return the command line with the `numbers` that a budget chose, by setting, in place of the budget."""
    kept = _without_starts(arguments)
    while "--budget" in kept:
        place = kept.index("--budget")
        del kept[place : place + 2]
    kept = [word for word in kept if not word.startswith("--budget=")]
    return _command_line([*kept, *(word for name, n in numbers.items() for word in (flag(name), str(n)))])


def _without_starts(arguments: Sequence[str]) -> list[str]:
    return [word for word in arguments if word not in ("--resume", "--fresh")]


def _command_line(words: Sequence[str]) -> str:
    command = join_quoted(["ctcbench", *words])
    if (rank := read_process_rank()).size == 1:
        return command
    # The environment does not state the other arguments of torchrun, hence the ellipsis for several machines.
    machines = "" if rank.size == rank.local_size else f"--nnodes {rank.size // rank.local_size} … "
    return f"torchrun {machines}--nproc-per-node {rank.local_size} -m {command}"

"""`ctcbench run`: trains, decodes and scores one configuration, and prints its report."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

import typer

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import print_json
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson, CheckpointSeconds, Fresh, Out, Resume, Workers
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.distributed.process_rank import read_process_rank


@with_settings
def run(
    config: RunConfig,
    *,
    ctx: typer.Context,
    out: Out = Path("runs"),
    resume: Resume = False,
    fresh: Fresh = False,
    workers: Workers = None,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    as_json: AsJson = False,
) -> None:
    """Train, decode and score one configuration, and print its report."""
    # The pipeline checks this too, but only after torch is imported.
    if resume and fresh:
        raise UsageError(
            "--resume and --fresh: give one of them; --resume continues the run, --fresh deletes it"
        )
    from ctcbench.cli.progress import progress_listener
    from ctcbench.config.recipe import resolve
    from ctcbench.training.runtime import Runtime

    # Before torch is imported, so that a mistyped name is reported at once.
    recipe = resolve(registry(), config)
    folder = RunFolder(out / recipe.train_key)
    command = resume_command(ctx.obj)
    with interrupts_explained(folder, command):
        with progress_listener() as listener:
            from ctcbench.pipeline import runner

            runtime = Runtime(
                out=out,
                resume=resume,
                fresh=fresh,
                workers=workers,
                checkpoint_seconds=checkpoint_seconds,
                resume_command=command,
                listener=listener,
            )
            result = runner.run(recipe, runtime)
        # torchrun runs this in every process, and each has the result.
        if not read_process_rank().is_main:
            return
        from ctcbench.cli.result_output import print_report

        if as_json:
            print_json(result.to_json())
        else:
            print_report(result, folder.path)


@contextlib.contextmanager
def interrupts_explained(folder: RunFolder, command: str) -> Iterator[None]:
    """Raise KeyboardInterrupt of the body as Interrupted, which says what is saved and how to resume.

    Raises:
        Interrupted: the body raised KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        if folder.is_finished or folder.checkpoint_path.exists():
            raise Interrupted(f"interrupted; {folder.path} is kept; resume with: {command}") from None
        raise Interrupted("interrupted before the first checkpoint: there is nothing to resume") from None


def resume_command(arguments: list[str]) -> str:
    """Return the command line that resumes a run started with `arguments`."""
    kept = [word for word in arguments if word not in ("--resume", "--fresh")]
    command = shlex.join(["ctcbench", *kept, "--resume"])
    if (rank := read_process_rank()).size == 1:
        return command
    # The environment does not state the other arguments of torchrun, hence the ellipsis for several machines.
    machines = "" if rank.size == rank.local_size else f"--nnodes {rank.size // rank.local_size} … "
    return f"torchrun {machines}--nproc-per-node {rank.local_size} -m {command}"

"""`ctcbench bench speedrun`: measure a recipe by the rules of the speed record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from ctcbench.cli.commands.run import resume_command
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.progress import progress_listener
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson, Out, Workers
from ctcbench.config.run_config import RunConfig, flag
from ctcbench.contract.errors import UsageError
from ctcbench.processes.signals import Interrupted
from ctcbench.reporting.number_format import percent
from ctcbench.training.distributed.process_rank import read_process_rank

if TYPE_CHECKING:
    from ctcbench.benchmarks.speedrun import SpeedRecord


@with_settings
def speedrun(
    config: RunConfig,
    *,
    ctx: typer.Context,
    target: Annotated[
        Literal["90", "95", "97.5"], typer.Option(help="exact accuracy to be reached, in per cent")
    ] = "90",
    track: Annotated[
        Literal["two-cores", "h100", "open"] | None,
        typer.Option(
            help="hardware of the record (default: the one that this machine has)", show_default=False
        ),
    ] = None,
    runs: Annotated[
        int, typer.Option(metavar="N", min=1, help="trainings, with the seeds 0 to N − 1; a record needs 10")
    ] = 10,
    out: Out = Path("runs/speedrun"),
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe with several seeds on the fixed task, and measure it by the rules of the speed record.

    The task is the data set captcha with its default options and 10,000 test images. Runs that are
    finished in the output folder are not repeated, so the same command resumes after a stop.
    """
    from ctcbench.benchmarks.speedrun import TEST_SAMPLES, measure
    from ctcbench.benchmarks.speedrun_tracks import choose_track
    from ctcbench.training.runtime import Runtime

    for name, value in (("seed", None), ("test_samples", TEST_SAMPLES)):
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE" and getattr(config, name) != value:
            raise UsageError(
                f"{flag(name)} {getattr(config, name)}: the rules of the speed record fix it "
                f"({TEST_SAMPLES:,} test images, seeds 0 to N − 1 of --runs N); leave it out"
            )
    command = resume_command(ctx.obj).removesuffix(" --resume")
    try:
        with progress_listener() as shown:
            runtime = Runtime(out=out, workers=workers, resume_command=command, listener=shown)
            record = measure(
                registry(),
                config,
                runtime,
                target=float(target) / 100,
                track=track or choose_track(config),
                runs=runs,
            )
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the finished runs are kept; resume with: {command}") from None
    # torchrun runs this in every process, and each has the record.
    if not read_process_rank().is_main:
        return
    if as_json:
        print_json({"command": command, **record.to_json()})
        return
    console = output_console()
    console.print(_table(record))
    console.print(_summary(record))


def _table(record: SpeedRecord) -> Table:
    table = Table(
        title=f"{record.images:,} images × {record.epochs} on track {record.track}", title_justify="left"
    )
    for header in ("seed", "exact", "seconds of training"):
        table.add_column(header, justify="right")
    for run in record.runs:
        table.add_row(str(run.seed), f"{percent(run.exact)}", f"{run.train_seconds:.2f}")
    return table


def _summary(record: SpeedRecord) -> str:
    exact, seconds = record.exact, record.train_seconds
    verdict = (
        f"no record: {record.shortfall}" if record.shortfall else "a record by the rules of docs/speedrun.md"
    )
    return (
        f"mean {percent(exact.mean)}{_interval(exact.interval, scale=100, unit=' %')} exact, "
        f"target {percent(record.target, 1)}; "
        f"{seconds.mean:.2f} s{_interval(seconds.interval)} of training, {record.flops / 1e12:.3g} TFLOP; "
        f"{record.host.get('gpu') or record.host.get('cpu')}\n{verdict}"
    )


def _interval(interval: tuple[float, float] | None, *, scale: int = 1, unit: str = "") -> str:
    if interval is None:
        return ""
    low, high = interval
    return f" ({low * scale:.2f} – {high * scale:.2f}{unit})"

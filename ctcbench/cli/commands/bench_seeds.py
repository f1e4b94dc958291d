"""`ctcbench bench seeds`: time of several seeds relative to one seed, for each executor."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.progress import progress_listener
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.run_config import RunConfig
from ctcbench.reporting.formats.component_cell import ComponentCell


@with_settings
def seeds(
    config: RunConfig,
    *,
    executor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="may be repeated to compare; the first is the reference "
            "(default: local:workers=1 and local:workers=2, or on a GPU local:workers=1,together=N)",
            show_default=False,
        ),
    ] = None,
    count: Annotated[int, typer.Option("--seeds", metavar="N", min=2, help="number of seeds")] = 4,
    rounds: Annotated[
        int, typer.Option(metavar="N", min=1, help="rounds; each runs every executor once")
    ] = 3,
    as_json: AsJson = False,
) -> None:
    """Measure the time of several seeds relative to one seed, for each executor."""
    from ctcbench.benchmarks.seeds_at_once import default_executors, measure
    from ctcbench.training.runtime import Runtime

    texts = executor or default_executors(config, count)
    with progress_listener() as shown:
        times = measure(registry(), config, Runtime(listener=shown), texts, count, rounds, shown.notice)
    # The executor that was named first is the reference of the gains.
    measured = statistics.median(round.total for round in times.together[texts[0]])
    figures: dict[str, Any] = {}
    for text in texts:
        totals = [round.total for round in times.together[text]]
        together, alone = statistics.median(totals), statistics.median(t.total for t in times.alone[text])
        training = statistics.median(round.training for round in times.together[text])
        alone_training = statistics.median(round.training for round in times.alone[text])
        figures[text] = {
            "seconds": together,
            "lowest": min(totals),
            "highest": max(totals),
            "of_one_seed": together / alone,
            "gain": measured / together,
            "alone_seconds": alone,
            "training_seconds": training,
            "training_of_one_seed": training / alone_training,
            "alone_training_seconds": alone_training,
            "capture_seconds": statistics.median(round.capture for round in times.together[text]),
        }
    if as_json:
        document = {"seeds": count, "rounds": rounds, "settings": config.model_dump(), "executors": figures}
        print_json(document)
        return
    output_console().print(_table(figures, count, rounds))


def _table(figures: Mapping[str, Mapping[str, float]], count: int, rounds: int) -> Table:
    title = f"{count} seeds, interleaved rounds: {rounds}; seconds include start and decoding"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("executor")
    headers = (
        "one\nseed",
        f"{count}\nseeds",
        "lowest –\nhighest",
        "× one\nseed",
        "gain",
        "training\n× one seed",
    )
    for header in headers:
        # Only the executor is broken over lines: half a number would be another number.
        table.add_column(header, justify="right", no_wrap=True)
    for text, figure in figures.items():
        table.add_row(
            ComponentCell(text),
            f"{figure['alone_seconds']:.1f}",
            f"{figure['seconds']:.1f}",
            f"{figure['lowest']:.1f} – {figure['highest']:.1f}",
            f"{figure['of_one_seed']:.2f}",
            f"{figure['gain']:.2f} ×",
            f"{figure['training_of_one_seed']:.2f}",
        )
    return table

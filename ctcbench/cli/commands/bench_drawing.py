"""`ctcbench bench drawing`: time of a run whose images are drawn before or during its training."""

from __future__ import annotations

import dataclasses
import statistics
from typing import Annotated

import typer
from rich.table import Table

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.progress import progress_listener
from ctcbench.cli.quartiles import quartiles, spread
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.word_lists import counted


@with_settings
def drawing(
    config: RunConfig,
    *,
    rounds: Annotated[
        int, typer.Option(metavar="N", min=2, help="rounds; each runs both ways, with an empty cache")
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """Measure whole runs whose training images are drawn before the training, and while it runs."""
    from ctcbench.benchmarks.drawing_overlap import measure

    with progress_listener() as shown:
        times = measure(registry(), config, rounds, shown.notice)
    ratios = [during / before for during, before in zip(times.during, times.before, strict=True)]
    if as_json:
        seconds = {name: spread(values) for name, values in dataclasses.asdict(times).items()}
        print_json({"rounds": rounds, "settings": config.model_dump(), **seconds, "ratio": spread(ratios)})
        return
    table = Table(title=f"{counted(rounds, 'round')}: medians of seconds, with quartiles")
    for header in ("training images are drawn", "run", "its training"):
        table.add_column(header, justify="left" if header.startswith("training") else "right")
    table.add_row("before the training", _text(times.before), _text(times.training_before))
    table.add_row("during the training", _text(times.during), _text(times.training_during))
    console = output_console()
    console.print(table)
    low, high = quartiles(ratios)
    console.print(f"during / before: {statistics.median(ratios):.3f} (quartiles {low:.3f} – {high:.3f})")


def _text(values: list[float]) -> str:
    low, high = quartiles(values)
    return f"{statistics.median(values):.2f} ({low:.2f} – {high:.2f})"

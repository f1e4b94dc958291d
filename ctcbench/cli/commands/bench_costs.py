"""`ctcbench bench train` and `ctcbench bench data`: what a step and a data set cost."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.progress import progress_listener
from ctcbench.cli.setting_flags import with_settings
from ctcbench.config.run_config import RunConfig

AsJson = Annotated[bool, typer.Option("--json", help="print the figures as JSON and nothing else")]


@with_settings
def train(
    config: RunConfig,
    *,
    steps: Annotated[int, typer.Option("--steps", metavar="N", min=3, help="counted steps")] = 60,
    as_json: AsJson = False,
) -> None:
    """Measure a training step: images a second, the time by part, the share of the device's peak."""
    from ctcbench.benchmarks.train_step import PARTS, WORK, measure
    from ctcbench.training.runtime import Runtime

    config = config.replace(train_samples=min(config.train_samples, max(2_000, config.batch_size)))
    with progress_listener() as shown:
        times = measure(registry(), config, Runtime(listener=shown), steps)
    total = statistics.median(times.total_ms)
    work = [sum(row) for row in zip(*(times.parts_ms[name] for name in WORK), strict=True)]
    floor_ms = times.floor.milliseconds()
    shares = [1 - w / t for w, t in zip(work, times.total_ms, strict=True)]
    figures = {
        "images_per_second": round(times.batch_size * 1000 / total, 1),
        "own_overhead": round(statistics.median(shares), 4),
        "own_overhead_quartiles": [round(q, 4) for q in _quartiles(shares)],
        "step_ms": _spread(times.total_ms),
        "parts_ms": {name: _spread(times.parts_ms[name]) for name in PARTS},
        "backbone": config.backbone,
        "head": config.head,
        "batch_size": times.batch_size,
        "parameters": times.parameters,
        "device": times.device,
        "precision": times.precision,
        "threads": times.threads,
        "steps": steps,
        "step_gflops": round(times.floor.flops / 1e9, 3),
        "matrix_tflops_per_second": round(times.floor.flops_per_second / 1e12, 4),
        "share_of_peak": round(times.share_of_peak(total), 4),
        "traffic_mib": round(times.floor.traffic_bytes / 2**20, 1),
        "memory_gib_per_second": round(times.floor.bytes_per_second / 2**30, 2),
        "operators": times.floor.operators,
        "launch_us": round(times.floor.launch_seconds * 1e6, 3),
        "floor_ms": {name: round(value, 3) for name, value in floor_ms.items()},
        "times_floor": round(total / max(floor_ms.values()), 3),
        "saved_mib": round(times.floor.saved_bytes / 2**20, 1),
    }
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    table = Table("part", "median", "quartiles", "share of the step", title_justify="left")
    table.title = (
        f"{steps} steps of {times.batch_size} images, {config.backbone} + {config.head}, "
        f"{times.device}, {times.precision}, {times.threads} threads"
    )
    for name in PARTS:
        values = times.parts_ms[name]
        low, high = _quartiles(values)
        middle = statistics.median(values)
        table.add_row(name, f"{middle:.2f} ms", f"{low:.2f} – {high:.2f} ms", f"{middle / total:.1%}")
    low, high = _quartiles(times.total_ms)
    table.add_row("[bold]step", f"[bold]{total:.2f} ms", f"{low:.2f} – {high:.2f} ms", "")
    console = Console(highlight=False)
    console.print(table)
    low, high = figures["own_overhead_quartiles"]
    console.print(
        f"{figures['images_per_second']} images/s; the step's own overhead (all but "
        f"{', '.join(WORK)}) is {figures['own_overhead']:.1%} of it (quartiles {low:.1%} – {high:.1%})\n"
        f"floor of a step here: {figures['step_gflops']:,.1f} GFLOP at "
        f"{figures['matrix_tflops_per_second']:.3g} TFLOP/s take {floor_ms['arithmetic']:.2f} ms, "
        f"{figures['traffic_mib']:,.0f} MiB read and written at {figures['memory_gib_per_second']:.3g} GiB/s "
        f"{floor_ms['memory']:.2f} ms, {figures['operators']:,} operators at {figures['launch_us']:.2g} µs "
        f"{floor_ms['launches']:.2f} ms; the step takes {figures['times_floor']:.2f} times the longest "
        f"and uses {figures['share_of_peak']:.0%} of the arithmetic\n"
        f"the backward pass needs {figures['saved_mib']:,.0f} MiB of what the forward pass made"
    )


@with_settings
def data(config: RunConfig, *, as_json: AsJson = False) -> None:
    """Measure what the training images cost in memory, and how long a batch of them takes."""
    from ctcbench.benchmarks.data_memory import BATCH_SIZE, measure
    from ctcbench.data.built_dataset import build_dataset
    from ctcbench.pipeline.runner import draw
    from ctcbench.training.runtime import Runtime

    with progress_listener() as shown:
        samples = draw(build_dataset(registry(), config.dataset), config, Runtime(listener=shown), "train")
    cost = measure(samples)
    figures = {**dataclasses.asdict(cost), "batch_size": BATCH_SIZE, "batch_us": _spread(cost.batch_us)}
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    low, high = _quartiles(cost.batch_us)
    console = Console(highlight=False)
    console.print(
        f"{cost.images} images, a file of {cost.file_mib:.1f} MiB\n"
        f"reading all of them in random batches of {BATCH_SIZE} added {cost.private_mib:.1f} MiB of private "
        f"memory, and mapped {cost.mapped_mib:.1f} MiB of the file\n"
        f"a batch takes {statistics.median(cost.batch_us):.0f} µs "
        f"(quartiles {low:.0f} – {high:.0f} µs, longest {max(cost.batch_us):.0f} µs)"
    )


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def _spread(values: Sequence[float]) -> dict[str, Any]:
    low, high = _quartiles(values)
    return {
        "median": round(statistics.median(values), 3),
        "quartiles": [round(low, 3), round(high, 3)],
        "longest": round(max(values), 3),
    }

"""`ctcbench bench train`: the time of a training step, by part and relative to the device's peak."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.progress import progress_listener
from ctcbench.cli.quartiles import quartiles, spread
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.word_lists import counted
from ctcbench.reporting.number_format import percent

if TYPE_CHECKING:
    from ctcbench.benchmarks.train_step import StepTimes


@with_settings
def train(
    config: RunConfig,
    *,
    steps: Annotated[int, typer.Option("--steps", metavar="N", min=3, help="number of measured steps")] = 60,
    as_json: AsJson = False,
) -> None:
    """Measure a training step: images per second, the time of each part, the share of the device's peak."""
    from ctcbench.benchmarks.train_step import measure
    from ctcbench.training.runtime import Runtime

    # A measurement needs few images, but at least one full batch.
    config = config.replace(train_samples=min(config.train_samples, max(2_000, config.batch_size)))
    with progress_listener() as shown:
        times = measure(registry(), config, Runtime(listener=shown), steps)
    figures = _figures(times, config, steps)
    if as_json:
        print_json(figures)
        return
    console = output_console()
    console.print(_part_table(times, config, steps))
    console.print(_summary(times, figures))
    if times.on_gpu:
        console.print(_gpu_table(figures["on_gpu"]))


def _figures(times: StepTimes, config: RunConfig, steps: int) -> dict[str, Any]:
    """Return the figures of a measurement as a JSON document."""
    from ctcbench.benchmarks.train_step import PARTS, WORK

    total = statistics.median(times.total_ms)
    work = [sum(row) for row in zip(*(times.parts_ms[name] for name in WORK), strict=True)]
    floor_ms = times.floor.milliseconds()
    # Within each step and not of the medians, because the parts of a disturbed step are slow together.
    shares = [1 - w / t for w, t in zip(work, times.total_ms, strict=True)]
    figures: dict[str, Any] = {
        "images_per_second": round(times.batch_size * 1000 / total, 1),
        "own_overhead": round(statistics.median(shares), 4),
        "own_overhead_quartiles": [round(q, 4) for q in quartiles(shares)],
        "step_ms": spread(times.total_ms),
        "parts_ms": {name: spread(times.parts_ms[name]) for name in PARTS},
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
        # Arithmetic, memory and launches can overlap in time (the roofline model, Williams et al. 2009), so
        # the longest of the three is the bound, and not their sum.
        "times_floor": round(total / max(floor_ms.values()), 3),
        "saved_mib": round(times.floor.saved_bytes / 2**20, 1),
    }
    if times.on_gpu:
        figures["on_gpu"] = {
            name: {
                "step_ms": round(gpu.step_ms, 3),
                "images_per_second": round(times.batch_size * 1000 / gpu.step_ms, 1),
                "launches": round(gpu.launches, 1),
                "busy_ms": round(gpu.busy_ms, 3),
                "share_of_peak": round(times.share_of_peak(gpu.step_ms), 4),
                "obstacle": gpu.obstacle,
            }
            for name, gpu in times.on_gpu.items()
        }
    return figures


def _part_table(times: StepTimes, config: RunConfig, steps: int) -> Table:
    """Return the table of the parts of a step."""
    from ctcbench.benchmarks.train_step import PARTS

    total = statistics.median(times.total_ms)
    table = Table("part", "median", "quartiles", "share of the step", title_justify="left")
    table.title = Text(
        f"{steps} steps of {times.batch_size} images, {config.backbone} + {config.head}, "
        f"{times.device}, {times.precision}, {counted(times.threads, 'thread')}"
    )
    for name in PARTS:
        values = times.parts_ms[name]
        low, high = quartiles(values)
        middle = statistics.median(values)
        table.add_row(name, f"{middle:.2f} ms", f"{low:.2f} – {high:.2f} ms", percent(middle / total, 1))
    low, high = quartiles(times.total_ms)
    table.add_row("[bold]step", f"[bold]{total:.2f} ms", f"{low:.2f} – {high:.2f} ms", "")
    return table


def _summary(times: StepTimes, figures: Mapping[str, Any]) -> str:
    """Return the sentences below the table: the overhead of a step, and the floor of its time."""
    from ctcbench.benchmarks.train_step import WORK

    floor_ms = times.floor.milliseconds()
    low, high = figures["own_overhead_quartiles"]
    return (
        f"{figures['images_per_second']} images/s; the overhead of the step (all but "
        f"{', '.join(WORK)}) is {percent(figures['own_overhead'], 1)} of it "
        f"(quartiles {percent(low, 1)} – {percent(high, 1)})\n"
        f"floor of a step on this machine: {figures['step_gflops']:,.1f} GFLOP at "
        f"{figures['matrix_tflops_per_second']:.3g} TFLOP/s take {floor_ms['arithmetic']:.2f} ms, "
        f"{figures['traffic_mib']:,.0f} MiB read and written at {figures['memory_gib_per_second']:.3g} GiB/s "
        f"{floor_ms['memory']:.2f} ms, {figures['operators']:,} operators at {figures['launch_us']:.2g} µs "
        f"{floor_ms['launches']:.2f} ms; the step takes {figures['times_floor']:.2f} times the longest "
        f"and uses {percent(figures['share_of_peak'], 0)} of the arithmetic\n"
        f"the forward pass stores {figures['saved_mib']:,.0f} MiB for the backward pass"
    )


def _gpu_table(on_gpu: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return the table of the undisturbed step without and with its CUDA graph."""
    names = {"plain": "kernel by kernel", "graph": "as a CUDA graph"}
    table = Table(
        "step", "time", "images/s", "launches", "GPU busy", "share of the peak",
        title="without waiting between steps", title_justify="left",
    )  # fmt: skip
    for name, row in on_gpu.items():
        table.add_row(
            Text(names[name] + (f": not possible, {row['obstacle']}" if row["obstacle"] else "")),
            f"{row['step_ms']:.2f} ms", f"{row['images_per_second']:,.0f}", f"{row['launches']:,.0f}",
            f"{row['busy_ms']:.2f} ms", percent(row['share_of_peak'], 1),
        )  # fmt: skip
    return table

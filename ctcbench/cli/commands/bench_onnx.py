"""`ctcbench bench onnx`: the speed of onnxruntime beside that of torch."""

from __future__ import annotations

import statistics
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.quartiles import quartiles, spread
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.word_lists import counted

_REFERENCE = "torch float32"


@with_settings
def onnx(
    config: RunConfig,
    *,
    images: Annotated[int, typer.Option("--images", metavar="N", min=1, help="images of a batch")] = 64,
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", min=3, help="number of measured batches")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Measure the inference of a network by torch and, exported, by onnxruntime, on the CPU."""
    from ctcbench.recognition.onnx_packages import EXPORT_PACKAGES, require_onnx

    require_onnx(*EXPORT_PACKAGES)
    import torch

    from ctcbench.benchmarks.inference_speed import measure

    seconds = measure(registry(), config, images, rounds)
    # Within each round and not of the medians: a disturbance of the machine slows a whole round.
    ratios = {
        name: [reference / own for reference, own in zip(seconds[_REFERENCE], times, strict=True)]
        for name, times in seconds.items()
    }
    if as_json:
        figures = {
            name: {
                "batch_ms": spread([second * 1000 for second in times]),
                "images_per_second": round(images / statistics.median(times), 1),
                "times_torch_float32": spread(ratios[name]),
            }
            for name, times in seconds.items()
        }
        setting = {"backbone": config.backbone, "head": config.head, "images": images, "rounds": rounds}
        print_json({**setting, "threads": torch.get_num_threads(), "ways": figures})
        return
    counts = f"{counted(images, 'image')}, {counted(torch.get_num_threads(), 'thread')}"
    title = Text(f"{config.backbone} + {config.head}, {counts}")
    table = Table(
        "computed by", "images/s", f"times {_REFERENCE}", "quartiles", title=title, title_justify="left"
    )
    for name, times in seconds.items():
        low, high = quartiles(ratios[name])
        middle = statistics.median(ratios[name])
        rate = images / statistics.median(times)
        table.add_row(name, f"{rate:,.0f}", f"{middle:.2f}", f"{low:.2f} – {high:.2f}")
    output_console().print(table)

"""`ctcbench bench data`: memory and time that the training images take."""

from __future__ import annotations

import dataclasses
import statistics

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.progress import progress_listener
from ctcbench.cli.quartiles import quartiles, spread
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted


@with_settings
def data(config: RunConfig, *, as_json: AsJson = False) -> None:
    """Measure the memory that the training images take, and the time of a batch of them."""
    from ctcbench.benchmarks.data_memory import BATCH_SIZE, measure
    from ctcbench.config.recipe import resolve
    from ctcbench.data.run_dataset import build_run_dataset
    from ctcbench.pipeline.run_context import draw
    from ctcbench.training.runtime import Runtime

    dataset = build_run_dataset(registry(), resolve(registry(), config).config)
    # Drawn before the measurement, which is of reading the stored images alone.
    with progress_listener() as listener:
        samples = draw(dataset, config, Runtime(listener=listener), "train")
    if len(samples) <= BATCH_SIZE:
        raise UsageError(f"{counted(len(samples), 'training image')}: more than {BATCH_SIZE} are needed")
    cost = measure(samples)
    figures = {**dataclasses.asdict(cost), "batch_size": BATCH_SIZE, "batch_us": spread(cost.batch_us)}
    if as_json:
        print_json(figures)
        return
    low, high = quartiles(cost.batch_us)
    console = output_console()
    console.print(
        f"{cost.images} images, a file of {cost.file_mib:.1f} MiB\n"
        f"reading all of them in random batches of {BATCH_SIZE} added {cost.private_mib:.1f} MiB of private "
        f"memory, and mapped {cost.mapped_mib:.1f} MiB of the file\n"
        f"a batch takes {statistics.median(cost.batch_us):.0f} µs "
        f"(quartiles {low:.0f} – {high:.0f} µs, maximum {max(cost.batch_us):.0f} µs)"
    )

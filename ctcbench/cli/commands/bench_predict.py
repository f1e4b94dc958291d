"""`ctcbench bench predict`: how many picture files a recogniser reads in a second."""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.picture_arguments import PictureArguments
from ctcbench.cli.quartiles import quartiles, spread
from ctcbench.cli.run_folder_argument import named_recogniser
from ctcbench.cli.shared_flags import AsJson
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted
from ctcbench.processes.cores import computing_cores
from ctcbench.reporting.number_format import percent

if TYPE_CHECKING:
    from ctcbench.benchmarks.prediction_speed import Round


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN|MODEL", help="a run folder, or an exported ONNX file")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IMAGE…|FOLDER",
            help="image files or folders (default: test images of the run; drawn ones as PNG)",
        ),
    ] = None,
    pictures: Annotated[int, typer.Option(metavar="N", min=2, help="number of images, at most")] = 2_000,
    rounds: Annotated[int, typer.Option(metavar="N", min=2, help="number of times they are read")] = 5,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure how many picture files a recogniser reads in a second, and the network alone on the same."""
    folder = named_recogniser(run)
    if folder is None and not images:
        raise UsageError(f"{run}: an ONNX file has no data set; name images or a folder of them")
    # Imports numpy, and torch for a run folder.
    from ctcbench.api import load
    from ctcbench.benchmarks.prediction_speed import measure_rounds, picture_files
    from ctcbench.data.built_dataset import build_source
    from ctcbench.results.stored_config import stored_config

    recogniser = load(run, device)
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None or images:
            files = _named_files(images or [], pictures)
        else:
            source = build_source(registry(), stored_config(folder).dataset)
            files = picture_files(source, pictures, Path(temporary))
            if not files:
                raise UsageError(
                    f"{run}: none of its test images can be used; name images or a folder of them"
                )
        measured = measure_rounds(recogniser, files, rounds)
    figures = _figures(measured, len(files))
    figures["pictures"], figures["rounds"], figures["threads"] = len(files), rounds, computing_cores()
    if as_json:
        print_json(figures)
        return
    table = Table("figure", "median", "quartiles", title_justify="left")
    table.title = ", ".join(
        [counted(len(files), "image"), counted(rounds, "round"), counted(computing_cores(), "thread")]
    )
    rows: dict[str, Callable[[float], str]] = {
        "images/s, from files to texts": "{:,.0f}".format,
        "images/s, the network alone": "{:,.0f}".format,
        "share of the network's speed": partial(percent, digits=0),
        "CPU ms per image": "{:.2f}".format,
        "CPU ms per image, the network alone": "{:.2f}".format,
    }
    for (name, form), values in zip(rows.items(), _series(measured, len(files)).values(), strict=True):
        low, high = quartiles(values)
        table.add_row(name, form(statistics.median(values)), f"{form(low)} – {form(high)}")
    output_console().print(table)


def _named_files(images: list[Path], most: int) -> list[Path]:
    """Return the first files that arguments name; those that standard input lists are such files, too."""
    files: list[Path] = []
    for name, content in itertools.islice(PictureArguments(images), most):
        if not isinstance(content, Path):
            raise UsageError(
                f"{name}: standard input is a picture; name its file, because files are measured"
            )
        files.append(content)
    return files


def _series(rounds: list[Round], count: int) -> dict[str, list[float]]:
    """Return the figures of each round by their names."""
    return {
        "images_per_second": [count / r.seconds for r in rounds],
        "network_images_per_second": [count / r.network_seconds for r in rounds],
        "share_of_network": [r.network_seconds / r.seconds for r in rounds],
        "cpu_ms": [1000 * r.cpu_seconds / count for r in rounds],
        "network_cpu_ms": [1000 * r.network_cpu_seconds / count for r in rounds],
    }


def _figures(rounds: list[Round], count: int) -> dict[str, object]:
    return {name: spread(values) for name, values in _series(rounds, count).items()}

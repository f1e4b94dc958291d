"""`ctcbench predict`: recognises the text in image files with the recogniser of a run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from ctcbench.cli.exit_codes import FAILED
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.run_folder_argument import named_run
from ctcbench.cli.shared_flags import AsJson
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.plain_files import why_not_plain
from ctcbench.files.text import one_line, printable

if TYPE_CHECKING:
    from ctcbench.api import Prediction
    from ctcbench.contract.data import Sample


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="image files")],
    as_json: AsJson = False,
) -> None:
    """Recognise the text in image files, with a confidence for each.

    Files that can't be read are named on standard error, and the exit code is 1; the others are read. With
    --json a file that can't be read has the text null and the reason as `error`.
    """
    folder = named_run(run)
    # Checked before torch is imported, which takes seconds.
    why_no_file = {image: _why_no_picture(image) for image in images}
    if all(why_no_file.values()):
        raise UsageError("; ".join(f"{image}: {why_no_file[image]}" for image in images))
    from ctcbench.api import load

    recogniser = load(folder.path)
    if not folder.is_finished:
        text = "training is not finished: using the best weights so far, and confidences are not calibrated"
        print(one_line(f"{run}: {text}"), file=sys.stderr)
    # One by one, because `Recogniser.predict` stops at the first picture that it can't read.
    samples: list[Sample] = []
    problems: dict[int, str] = {}
    for index, image in enumerate(images):
        try:
            samples.append(recogniser.prepare(image))
        except BadSample as error:
            problems[index] = why_no_file[image] or str(error)
            print(one_line(f"ctcbench predict: {image}: {problems[index]}"), file=sys.stderr)
    # Together, because the network reads a batch several times as fast as single images.
    predictions = iter(recogniser.predict(samples))
    readings = [problems.get(index) or next(predictions) for index in range(len(images))]
    if as_json:
        print_json(list(_entries(images, readings)))
    elif samples:
        output_console().print(_table(images, readings))
    if problems:
        raise typer.Exit(FAILED)


def _why_no_picture(image: Path) -> str:
    """Return why a path is not that of a plain file, or an empty text if it is."""
    reason = why_not_plain(image)
    return f"is a folder; give the images in it, such as {image}/*.png" if "folder" in reason else reason


def _entries(images: Sequence[Path], readings: Sequence[Prediction | str]) -> Iterator[dict[str, Any]]:
    """Yield the JSON object of each image, in their order."""
    for image, reading in zip(images, readings, strict=True):
        if isinstance(reading, str):
            yield {"image": str(image), "text": None, "confidence": None, "error": reading}
        else:
            yield {"image": str(image), "text": reading.text, "confidence": reading.confidence}


def _table(images: Sequence[Path], readings: Sequence[Prediction | str]) -> Table:
    """Return the texts of the images that could be read."""
    table = Table("image", "text", "confidence")
    for image, reading in zip(images, readings, strict=True):
        if not isinstance(reading, str):
            sure = reading.confidence
            table.add_row(
                Text(printable(str(image)), overflow="fold"),
                Text(printable(reading.text), "bold"),
                "–" if sure is None else f"{sure * 100:.1f} %",
            )
    return table

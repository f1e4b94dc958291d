"""`ctcbench predict`: recognises the text in image files with the recogniser of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.run_folder_argument import named_run
from ctcbench.cli.shared_flags import AsJson
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.text import printable


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="image files")],
    as_json: AsJson = False,
) -> None:
    """Recognise the text in image files, with a confidence for each."""
    folder = named_run(run)
    # Checked before torch is imported, which takes seconds.
    for image in images:
        if image.is_dir():
            raise UsageError(f"{image}: is a folder; give the images in it, such as {image}/*.png")
        if not image.is_file():
            raise UsageError(f"{image}: no such file")
    from ctcbench.api import load

    recogniser = load(folder.path)
    if not folder.is_finished:
        text = "training is not finished: using the best weights so far, and confidences are not calibrated"
        typer.echo(f"{run}: {text}", err=True)
    try:
        predictions = recogniser.predict(images)
    except BadSample:
        # The error names only the first file that can't be read; all of them are reported at once.
        raise UsageError(_unreadable(images, recogniser.model.image)) from None
    readings = [(str(i), p.text, p.confidence) for i, p in zip(images, predictions, strict=True)]
    if as_json:
        document = [{"image": name, "text": text, "confidence": sure} for name, text, sure in readings]
        print_json(document)
        return
    table = Table("image", "text", "confidence")
    for name, text, sure in readings:
        table.add_row(
            Text(printable(name), overflow="fold"),
            Text(printable(text), "bold"),
            "–" if sure is None else f"{sure * 100:.1f} %",
        )
    output_console().print(table)


def _unreadable(files: list[Path], image: ImageSpec) -> str:
    """Return the names of the files that can't be read as images, each with the reason."""
    from ctcbench.files.pictures import read_picture

    problems = []
    for file in files:
        try:
            read_picture(file, image)
        except BadSample as error:
            problems.append(f"{file}: {error}")
    return "; ".join(problems)

"""`ctcbench evaluate`: scores a trained recogniser on the labelled pictures of any data set."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from ctcbench.cli.completion import complete_choice, complete_component, require_choice
from ctcbench.cli.data_files import data_files, require_outside_data
from ctcbench.cli.dataset_flags import SkipBad
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import print_json, report_console, require_separate_json
from ctcbench.cli.picture_flags import Crops, OtherGround, chosen_crops, chosen_ground
from ctcbench.cli.run_folder_argument import OtherDecoder, RunOrModel, named_recogniser
from ctcbench.cli.shared_flags import AsJson
from ctcbench.cli.views.misread_csv import MISREAD_COLUMNS, misread_csv
from ctcbench.contract.data import MOST_SAMPLES, SPLITS
from ctcbench.contract.errors import UsageError
from ctcbench.files.output_files import require_output, write_output
from ctcbench.files.text import one_line

_SPLITS = (*SPLITS, "all")


def evaluate(
    run: RunOrModel,
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="name or name:option=value, such as folder:path=FOLDER; `ctcbench run --help` lists them",
            autocompletion=complete_component("dataset"),
        ),
    ],
    split: Annotated[
        str,
        typer.Option(
            metavar="|".join(_SPLITS),
            help="the split; all: every picture",
            autocompletion=complete_choice(_SPLITS),
        ),
    ] = "test",
    samples: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=MOST_SAMPLES,
            help="number of pictures (default: all; a data set that draws images without end needs it)",
        ),
    ] = None,
    decoder: OtherDecoder = None,
    crops: Crops = None,
    ground: OtherGround = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N")] = "auto",
    misread: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="write the pictures that were not read right to this file"),
    ] = None,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Score a recogniser on the labelled pictures of any data set.

    Pictures are read as `ctcbench predict` reads them, so their size, colour, fit, crop and ground are
    the recogniser's; the images of data sets that draw must have the recogniser's size. A label with
    characters that the recogniser's alphabet lacks counts as an error.
    """
    require_choice("--split", split, _SPLITS)
    wanted_crops, wanted_ground = chosen_crops(crops), chosen_ground(ground)
    if misread is not None:
        require_separate_json(misread, as_json)
        _require_misread(misread, dataset)
    # Everything that can be checked is checked before torch is imported, which takes seconds.
    folder = named_recogniser(run)
    registry().resolve("dataset", dataset)
    if decoder is not None:
        registry().resolve("decoder", decoder)
    from ctcbench.api import load
    from ctcbench.cli.progress import progress_listener
    from ctcbench.cli.views.evaluation_report import evaluation_report

    recogniser = load(run, device, ground=wanted_ground)
    if folder is not None and not folder.is_finished:
        text = "training is not finished: using the best weights so far, and confidences are not calibrated"
        print(one_line(f"{run}: {text}"), file=sys.stderr)
    with progress_listener() as listener, warnings.catch_warnings():
        # Pillow's remarks on damaged metadata name no file.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        listener.pictures_started()
        found = recogniser.evaluate(
            dataset,
            split=split,
            samples=samples,
            decoder=decoder,
            crops=wanted_crops,
            skip_bad=skip_bad,
            listener=listener,
        )
    written = None
    # The score is printed also where the file can't be written: it can be the work of hours.
    try:
        if misread is not None:
            write_output(misread, misread_csv(found.misread).encode())
            written = misread
    finally:
        if as_json:
            print_json(found.to_json())
        else:
            console = report_console(misread)
            for part in evaluation_report(found, written):
                console.print(part)


def _require_misread(path: Path, dataset: str) -> None:
    """Check that the misread pictures can be written to a file, which replaces nothing of the data set.

    Raises:
        UsageError: they can't.
    """
    if path.suffix.lower() not in (".csv", ""):  # a device has no suffix
        raise UsageError(f"--misread {path}: it is a CSV file; give it the suffix .csv")
    require_output(path, *data_files(dataset))
    if path.is_file():
        with path.open("rb") as file:
            header = file.readline(1000)
        if header.rstrip().decode("utf-8", "replace") != ",".join(MISREAD_COLUMNS):
            require_outside_data(path, dataset)

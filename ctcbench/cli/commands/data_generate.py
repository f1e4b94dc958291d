"""`ctcbench data generate`: draws a data set into the cache, or writes it to files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from ctcbench.cli.completion import complete_choice, require_choice
from ctcbench.cli.dataset_flags import Count, Dataset, SkipBad, Split, chosen_dataset, draw_samples
from ctcbench.cli.output import print_json, print_line
from ctcbench.cli.shared_flags import AsJson, Workers
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted
from ctcbench.files.set_formats import SetFormat
from ctcbench.files.text import printable

_FORMATS: tuple[str, ...] = get_args(SetFormat)


def generate(
    dataset: Dataset = None,
    split: Split = "train",
    samples: Count = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="write the images to files in this folder too"),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="|".join(_FORMATS),
            help="of the files: PNG files with a list of labels (default), an LMDB or a Parquet file, which "
            "the data sets folder, lmdb and parquet read",
            autocompletion=complete_choice(_FORMATS),
        ),
    ] = None,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Draw images into the cache, which runs of the same data set read, or write them to files."""
    if format_ is not None:
        require_choice("--format", format_, _FORMATS)
        if out is None:
            raise UsageError(f"--format {format_} needs --out FOLDER, where the files are written")
    drawn = draw_samples(chosen_dataset(dataset), split, samples, skip_bad=skip_bad, workers=workers)
    written = None
    if out is not None:
        from ctcbench.data.written_sets import write_set

        written = write_set(drawn, out, split, cast(SetFormat, format_ or "png"))
    if as_json:
        facts = {"images": len(drawn), "fingerprint": drawn.fingerprint}
        print_json(facts if written is None else {**facts, "written": str(written)})
        return
    mib = drawn.images_NCHW.nbytes / 2**20
    print_line(
        f"{counted(len(drawn), 'image')} ({mib:.1f} MiB) in the cache; fingerprint {drawn.fingerprint}"
    )
    if written is not None:
        print_line(f"written to {printable(str(written))}")
        if missing := _splits_taken_from_train(written.parent, split):
            name = printable(str(written.parent))
            print_line(
                f"{name} has no {' and no '.join(missing)} images: a data set that reads it takes a share of "
                f"the train images for each; write {'them' if len(missing) > 1 else 'it'} with --split "
                f"{missing[0]}, or read it with {','.join(f'{one}=0' for one in missing)}"
            )


def _splits_taken_from_train(folder: Path, split: str) -> list[str]:
    """Return the splits that a data set would take from the train images, which were just written.

    They may be a share already: of a set that was divided, another share would be taken of what is left.
    """
    if split != "train":
        return []
    names = {path.name.partition("-")[0] for path in folder.iterdir()}
    return [other for other in ("val", "test") if other not in names]

"""`ctcbench data preview`: the first images of a data set, in the terminal or as a PNG file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ctcbench.cli.completion import complete_component
from ctcbench.cli.data_files import require_outside_data
from ctcbench.cli.dataset_flags import Dataset, SkipBad, Split, chosen_dataset, draw_samples
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import report_console
from ctcbench.contract.data import MOST_SAMPLES
from ctcbench.contract.errors import UsageError
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.specs import ImageSpec
from ctcbench.contract.word_lists import counted
from ctcbench.files.output_files import require_output
from ctcbench.files.text import printable

if TYPE_CHECKING:
    from ctcbench.contract.data import Samples


def preview(
    dataset: Dataset = None,
    split: Split = "train",
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=1, max=MOST_SAMPLES, help="number of images")
    ] = 20,
    out: Annotated[
        Path | None, typer.Option(metavar="PNG", help="write a contact sheet to this file")
    ] = None,
    augmentation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="show the images as this augmentation distorts them for training",
            autocompletion=complete_component("augmentation"),
        ),
    ] = None,
    skip_bad: SkipBad = False,
) -> None:
    """Show the first images in the terminal, or write them to a PNG file as a contact sheet."""
    # Before the images are drawn, which can take minutes.
    if out is not None:
        if out.suffix.lower() not in (".png", ""):  # a device has no suffix
            raise UsageError(f"--out {out}: the contact sheet is a PNG file; give it the suffix .png")
        require_output(out)
        require_outside_data(out, dataset)
    drawn = draw_samples(chosen_dataset(dataset), split, samples, skip_bad=skip_bad)
    from ctcbench.cli.views.contact_sheet import half_blocks, write_contact_sheet

    console = report_console(out)
    if augmentation is not None:
        drawn = _augmented(drawn, augmentation)
    if out is not None:
        write_contact_sheet(out, drawn.images_NCHW, drawn.texts)
        # soft_wrap: a path that rich breaks into lines can't be copied.
        console.print(Text(printable(f"{counted(len(drawn), 'image')}: {out}")), soft_wrap=True)
        return
    for image_CHW, text, name in zip(drawn.images_NCHW, drawn.texts, drawn.names, strict=True):
        # A file or a pipe gets names and texts alone: the pictures are coloured characters.
        if console.is_terminal:
            console.print(half_blocks(image_CHW, console.width))
        console.print(Text.assemble((printable(text), "bold"), (printable(f"  {name}"), "dim")))


def _augmented(drawn: Samples, augmentation: str) -> Samples:
    import torch

    images, (_, channels, height, width) = drawn.images_NCHW, drawn.images_NCHW.shape
    ragged = isinstance(images, RaggedImages)
    spec = ImageSpec(height, width, channels, variable=ragged)
    augment = registry().build("augmentation", augmentation, spec)
    torch.manual_seed(0)  # the same distortions at every call, so that two options can be compared
    # torch.tensor() copies: the mapped images are read-only, and an augmentation may work in place.
    images_NCHW = augment(torch.tensor(images[:]), torch.tensor(drawn.widths_N).long())
    made_NCHW = images_NCHW.round().to(torch.uint8).numpy()
    if ragged:
        widths = zip(made_NCHW, drawn.widths_N, strict=True)
        made_NCHW = RaggedImages.of([image_CHW[:, :, :width] for image_CHW, width in widths])
    return dataclasses.replace(drawn, images_NCHW=made_NCHW)

"""`ctcbench data describe`: sizes, alphabet, texts and duplicates of a data set, and a contact sheet."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ctcbench.cli.data_files import require_outside_data
from ctcbench.cli.dataset_flags import Count, Dataset, SkipBad, Split, chosen_dataset, draw_samples
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import print_json, report_console, require_separate_json
from ctcbench.cli.shared_flags import AsJson
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.files.output_files import require_output
from ctcbench.files.text import printable

if TYPE_CHECKING:
    from ctcbench.contract.data import Samples
    from ctcbench.data.built_dataset import BuiltDataset

_ON_SHEET = 50  # images


def describe(
    dataset: Dataset = None,
    split: Split = "train",
    samples: Count = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help=f"write the first {_ON_SHEET} images with their texts to this file"),
    ] = None,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Describe a split: sizes, alphabet, text lengths, characters, texts too long for CTC, duplicates.

    Duplicates are images with the same pixels, in the split and across all splits. For pictures, the
    last lines are the command of a first training and its cost.
    """
    # Before the images are drawn, which can take minutes.
    if contact_sheet is not None:
        if contact_sheet.suffix.lower() not in (".png", ""):  # a device has no suffix
            raise UsageError(f"--contact-sheet {contact_sheet}: it is a PNG file; give it the suffix .png")
        require_separate_json(contact_sheet, as_json)
        require_output(contact_sheet)
        require_outside_data(contact_sheet, dataset)
    chosen = chosen_dataset(dataset)
    drawn = draw_samples(chosen, split, samples, skip_bad=skip_bad)
    name = cast(SplitName, split)
    splits = {name: drawn, **_other_splits(chosen, name, samples)}
    # Here, because it loads numpy, for which --help must not wait.
    from ctcbench.data.set_description import describe_set

    ordered = {one: splits[one] for one in SPLITS if one in splits}
    description = describe_set(registry(), chosen, name, ordered, skip_bad=skip_bad)
    if contact_sheet is not None:
        from ctcbench.cli.views.contact_sheet import write_contact_sheet

        write_contact_sheet(contact_sheet, drawn.images_NCHW[:_ON_SHEET], drawn.texts[:_ON_SHEET])
    if as_json:
        print_json(description.to_json())
        return
    from rich.text import Text

    from ctcbench.cli.views.set_table import set_table, training_cost

    console = report_console(contact_sheet)
    console.print(set_table(description))
    if contact_sheet is not None:
        console.print(Text(f"contact sheet: {printable(str(contact_sheet))}"), soft_wrap=True)
    if advice := description.advice:
        if advice.command is None:
            console.print(Text(f"\nno training yet: {printable(advice.obstacle)}"))
        else:
            # In one line however narrow the terminal is, so that it can be copied.
            console.print(Text(f"\na first training: {printable(advice.command)}"), soft_wrap=True)
            console.print(Text(training_cost(advice.cost), "dim"))


def _other_splits(chosen: BuiltDataset, split: SplitName, samples: int | None) -> dict[SplitName, Samples]:
    """Return the samples of the other finite splits, with which images are compared."""
    from ctcbench.data.built_dataset import size_or_zero
    from ctcbench.data.rejected_samples import NoValidSampleError

    others: dict[SplitName, Samples] = {}
    for other in SPLITS:
        if other != split and (size := size_or_zero(chosen.source, other)):
            # Their bad samples are counted; the command for that split lists them.
            wanted = min(size, samples or size)
            with contextlib.suppress(NoValidSampleError):  # a notice has listed them
                others[other] = draw_samples(chosen, other, wanted, skip_bad=True, notices=False)
    return others

"""`ctcbench data describe`: sizes, alphabet, texts and duplicates of a data set, and a contact sheet."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import shlex
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ctcbench.cli.dataset_flags import Count, Dataset, SkipBad, Split, chosen_dataset, draw_samples
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.run_config import flag
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.files.output_files import require_output
from ctcbench.files.text import printable

if TYPE_CHECKING:
    from ctcbench.contract.data import Samples
    from ctcbench.data.built_dataset import BuiltDataset
    from ctcbench.data.picture_content import ColourLoss, HiddenText, InkRows
    from ctcbench.data.set_statistics import Duplicates, FrameNeeds, PictureSizes

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

    Duplicates are images with the same pixels, in the split and across all splits. Of pictures, the
    last lines are the command of a first training, and what it takes.
    """
    # Before the images are drawn, which can take minutes.
    if contact_sheet is not None:
        if contact_sheet.suffix.lower() not in (".png", ""):  # a device has no suffix
            raise UsageError(f"--contact-sheet {contact_sheet}: it is a PNG file; give it the suffix .png")
        require_output(contact_sheet)
    chosen = chosen_dataset(dataset)
    drawn = draw_samples(chosen, split, samples, skip_bad=skip_bad)
    name = cast(SplitName, split)
    splits = {name: drawn, **_other_splits(chosen, name, samples)}
    facts = _facts(chosen, name, {one: splits[one] for one in SPLITS if one in splits})
    if skip_bad and facts.get("advice", {}).get("command"):
        facts["advice"]["command"] += " --skip-bad"
    if contact_sheet is not None:
        from ctcbench.cli.views.contact_sheet import write_contact_sheet

        write_contact_sheet(contact_sheet, drawn.images_NCHW[:_ON_SHEET], drawn.texts[:_ON_SHEET])
    if as_json:
        print_json(facts)
        return
    from rich.text import Text

    from ctcbench.cli.views.set_table import set_table, training_cost

    console = output_console()
    console.print(set_table(facts))
    if advice := facts.get("advice"):
        # In one line however narrow the terminal is, so that it can be copied.
        command = printable(
            advice["command"] or "when it is clear what the labels are; a notice above has the options"
        )
        console.print(Text(f"\na first training: {command}"), soft_wrap=True)
        if advice["command"]:
            console.print(Text(training_cost(advice["cost"]), "dim"))


def _other_splits(chosen: BuiltDataset, split: SplitName, samples: int | None) -> dict[SplitName, Samples]:
    """Return the other splits, with which images are compared; none of a source without end."""
    from ctcbench.data.built_dataset import size_or_zero

    others: dict[SplitName, Samples] = {}
    for other in SPLITS:
        if other != split and (size := size_or_zero(chosen.source, other)):
            # Their bad samples are counted; the command for that split lists them.
            wanted = min(size, samples or size)
            others[other] = draw_samples(chosen, other, wanted, skip_bad=True, notices=False)
    return others


def _facts(chosen: BuiltDataset, split: SplitName, splits: dict[SplitName, Samples]) -> dict[str, Any]:
    from ctcbench.data.faint_images import find_faint_images
    from ctcbench.data.set_statistics import (
        find_duplicates,
        frame_needs,
        least_aspect_per_frame,
        measure_pictures,
    )

    drawn = splits[split]
    image, alphabet = chosen.source.image, chosen.source.alphabet
    # Twice, because a list of the characters of all texts would take more memory than the texts.
    lengths = collections.Counter(map(len, map(alphabet.split, drawn.texts)))
    characters = collections.Counter(itertools.chain.from_iterable(map(alphabet.split, drawn.texts)))
    pictures = measure_pictures(chosen.source, split, len(drawn) + drawn.left_out)
    needs = frame_needs(drawn, alphabet) if len(drawn) else None
    facts: dict[str, Any] = {
        "dataset": chosen.text,
        "split": split,
        "notices": list(chosen.notices),
        "images": len(drawn),
        "left_out": drawn.left_out,
        "splits": {
            name: {"images": len(found), "left_out": found.left_out} for name, found in splits.items()
        },
        "channels": image.channels,
        "height": image.height,
        "width": image.width,
        "widths": _widths(drawn) if image.variable and len(drawn) else None,
        "alphabet": alphabet.characters,
        "direction": alphabet.direction,
        "classes": alphabet.num_classes,
        "fingerprint": drawn.fingerprint,
        "fit": getattr(chosen.source, "fit", None),
        "pictures": None if pictures is None else _sizes(pictures),
        "lengths": {str(length): lengths[length] for length in sorted(lengths)},
        "characters": {c: characters[c] for c in alphabet.characters},
        "frames": None if needs is None else _frames(needs),
        "faint": dataclasses.asdict(find_faint_images(drawn)),
        "duplicates": _duplicates(find_duplicates(splits)),
    }
    if pictures is not None and needs is not None:
        from ctcbench.data.picture_content import find_hidden_text, measure_colour_loss, measure_ink

        ink = measure_ink(drawn)
        count = len(drawn) + drawn.left_out
        loss = measure_colour_loss(chosen.source, split, count)
        # Without a faint image, none is hidden by its ground.
        hidden = find_hidden_text(chosen.source, split, count) if facts["faint"]["images"] else None
        facts["ink"] = None if ink is None else dataclasses.asdict(ink)
        facts["colour_loss"] = None if loss is None else dataclasses.asdict(loss)
        facts["hidden_text"] = None if hidden is None else dataclasses.asdict(hidden)
        if "train" in splits:
            density = least_aspect_per_frame(pictures, needs, drawn, chosen.source, split)
            usual = statistics.median_low(lengths.elements())
            facts["advice"] = _advice(chosen, pictures, density, usual, (ink, loss, hidden), splits)
    return facts


def _advice(
    chosen: BuiltDataset,
    pictures: PictureSizes,
    density: float,
    usual_length: float,
    content: tuple[InkRows | None, ColourLoss | None, HiddenText | None],
    splits: Mapping[SplitName, Samples],
) -> dict[str, Any]:
    """Return the options and the command of a first training on these pictures, and what it takes."""
    from ctcbench.data import training_advice as advising
    from ctcbench.data.built_dataset import fit_of

    image, (ink, loss, hidden) = chosen.source.image, content
    now = advising.ImageSize(fit_of(chosen.source), image.height, image.width)
    channels = max(image.channels, advising.advise_channels(loss))
    # Of pictures that are cropped already, the user has chosen how much. Where grey loses ink, so does `ink`.
    crop = 0.0 if image.crop or channels > image.channels else advising.advise_crop(ink)
    read = pictures.cropped(crop)
    size = advising.advise_size(now, read, density / (1 - 2 * crop))
    given = ComponentString.parse(chosen.text)
    images = chosen.size("train") or len(splits["train"])  # --samples limits what was drawn
    options = {} if size == now else {"fit": size.fit, "height": str(size.height), "width": str(size.width)}
    options |= {"crop": f"{crop:g}"} if crop else {}
    options |= {"ground": "auto"} if hidden is not None and hidden.hidden else {}
    options |= {"channels": str(channels)} if channels > image.channels else {}
    # A share of 0 suits a look at all pictures; a run needs all three splits.
    kept = {name: value for name, value in given.options.items() if name not in SPLITS or name in splits}
    dataset = registry().resolve("dataset", str(ComponentString(given.name, {**kept, **options})))
    preset = advising.advise_preset(usual_length)
    settings = advising.advise_settings(images, preset)
    flags = [word for name, value in settings.items() for word in (flag(name), str(value))]
    command = ["ctcbench", "run", "--preset", preset, *flags, "--dataset", dataset]
    # Labels that are perhaps wrong are learned all the same: the choice of them comes first.
    doubt = getattr(chosen.source, "doubt", "")
    return {
        "options": options,
        "command": None if doubt else shlex.join(command),
        "cost": dataclasses.asdict(advising.estimate_cost(images, preset, size, read)),
    }


def _widths(drawn: Samples) -> dict[str, int]:
    """Return the least and the greatest width of images that have their own."""
    return {"least": int(drawn.widths_N.min()), "greatest": int(drawn.widths_N.max())}


def _sizes(sizes: PictureSizes) -> dict[str, Any]:
    return {
        name: {"least": spread.least, "quartiles": list(spread.quartiles), "greatest": spread.greatest}
        for name, spread in (("widths", sizes.widths), ("heights", sizes.heights))
    } | {"aspects": [round(aspect, 2) for aspect in sizes.aspects], "widest": sizes.widest}


def _frames(needs: FrameNeeds) -> dict[str, Any]:
    return {
        "fewest_columns_per_frame": round(needs.fewest_columns, 2),
        "densest": needs.densest,
        "too_long_by_columns_per_frame": {str(columns): n for columns, n in needs.too_long.items()},
    }


def _duplicates(found: Duplicates) -> dict[str, Any]:
    return {
        "within": dict(found.within),
        "across": {f"{one} and {other}": count for (one, other), count in found.across.items()},
        "groups_with_different_texts": found.differing,
        "examples": [
            [{"split": split, "name": name, "text": text} for split, name, text in group]
            for group in found.examples
        ],
    }

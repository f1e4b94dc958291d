"""`ctcbench data`: looks at a data set, draws it into the cache, describes it."""

from __future__ import annotations

import collections
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ctcbench.cli.completion import complete_choice, complete_component, one_of
from ctcbench.cli.help import Command
from ctcbench.cli.installed_plugins import registry
from ctcbench.config.presets import default_component
from ctcbench.contract.data import MOST_SAMPLES, SPLITS, SplitName
from ctcbench.data.built_dataset import build_dataset, build_source
from ctcbench.files.output_files import require_folder_of, write_output

if TYPE_CHECKING:
    from ctcbench.contract.data import Samples

group = typer.Typer(help="Look at a data set, draw it into the cache, describe it.")

Dataset = Annotated[
    str | None,
    typer.Argument(
        metavar="[DATASET]",
        help="name or name:option=value (default: the default preset's)",
        autocompletion=complete_component("dataset"),
    ),
]
Split = Annotated[
    str,
    typer.Option(metavar="train|val|test", help="which split", autocompletion=complete_choice(SPLITS)),
]
Count = Annotated[
    int | None,
    typer.Option("--samples", metavar="N", min=1, max=MOST_SAMPLES, help="how many images"),
]
Workers = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="processes that draw images (default: one a core)")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="go on without the images that can't be used")]
Json = Annotated[bool, typer.Option("--json", help="print JSON and nothing else")]


@group.command(cls=Command)
def preview(
    dataset: Dataset = None,
    split: Split = "train",
    samples: Count = 20,
    out: Annotated[
        Path | None, typer.Option(metavar="PNG", help="write a contact sheet to this file")
    ] = None,
    augmentation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="as training with it sees them",
            autocompletion=complete_component("augmentation"),
        ),
    ] = None,
    skip_bad: SkipBad = False,
) -> None:
    """Show the first images in the terminal, or write them to a PNG file as a contact sheet."""
    if out is not None:
        require_folder_of(out)
    drawn = _drawn(dataset, split, samples, skip_bad, None)
    from ctcbench.cli.views.contact_sheet import contact_sheet, half_blocks

    console = Console(highlight=False)
    if augmentation is not None:
        drawn = _augmented(drawn, augmentation)
    if out is not None:
        contact_sheet(drawn.images_NCHW, drawn.texts).save(sheet := io.BytesIO(), format="PNG")
        write_output(out, sheet.getvalue())
        console.print(Text(f"{len(drawn)} images: {out}"), soft_wrap=True)
        return
    for image_CHW, text, name in zip(drawn.images_NCHW, drawn.texts, drawn.names, strict=True):
        if console.is_terminal:
            console.print(half_blocks(image_CHW, console.width))
        console.print(Text.assemble((text, "bold"), (f"  {name}", "dim")))


@group.command(cls=Command)
def generate(
    dataset: Dataset = None,
    split: Split = "train",
    samples: Count = None,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Draw images into the cache, where runs of the same data set find them."""
    drawn = _drawn(dataset, split, samples, skip_bad, workers)
    if as_json:
        typer.echo(json.dumps({"images": len(drawn), "fingerprint": drawn.fingerprint}))
        return
    mib = drawn.images_NCHW.nbytes / 2**20
    typer.echo(f"{len(drawn):,} images ({mib:.1f} MiB) in the cache; fingerprint {drawn.fingerprint}")


@group.command(cls=Command)
def describe(
    dataset: Dataset = None,
    split: Split = "train",
    samples: Count = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Describe a split: size, alphabet, lengths of the texts, how often each character comes."""
    text = registry().resolve("dataset", dataset or default_component("dataset"))
    source: Any = build_source(registry(), text)
    drawn = _drawn(text, split, samples, skip_bad, None)
    lengths = collections.Counter(map(len, drawn.texts))
    characters = collections.Counter("".join(drawn.texts))
    facts = {
        "dataset": text,
        "split": split,
        "images": len(drawn),
        "channels": source.image.channels,
        "height": source.image.height,
        "width": source.image.width,
        "alphabet": source.alphabet.characters,
        "classes": source.alphabet.num_classes,
        "fingerprint": drawn.fingerprint,
        "lengths": {str(length): lengths[length] for length in sorted(lengths)},
        "characters": {c: characters[c] for c in source.alphabet.characters},
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    Console(highlight=False).print(_facts_table(facts))


def _facts_table(facts: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    size = f"{facts['width']} × {facts['height']} pixels, {facts['channels']} channel(s)"
    table.add_row("data set", Text(facts["dataset"]))
    table.add_row("split", f"{facts['split']}, {facts['images']:,} images of {size}")
    table.add_row("alphabet", Text(f"{facts['alphabet']} ({facts['classes']} classes with the blank)"))
    table.add_row("lengths", ", ".join(f"{n:,} of {length}" for length, n in facts["lengths"].items()))
    table.add_row("characters", Text("  ".join(f"{c} {n:,}" for c, n in facts["characters"].items())))
    table.add_row("fingerprint", facts["fingerprint"])
    return table


def _augmented(drawn: Samples, augmentation: str) -> Samples:
    import dataclasses

    import torch

    from ctcbench.contract.specs import ImageSpec

    _, channels, height, width = drawn.images_NCHW.shape
    augment = registry().build("augmentation", augmentation, ImageSpec(height, width, channels))
    torch.manual_seed(0)
    images_NCHW = augment(torch.tensor(drawn.images_NCHW), torch.tensor(drawn.widths_N).long())
    return dataclasses.replace(drawn, images_NCHW=images_NCHW.round().to(torch.uint8).numpy())


def _drawn(
    dataset: str | None, wanted: str, samples: int | None, skip_bad: bool, workers: int | None
) -> Samples:
    """Return the samples; of a data set without end, as many as a run takes by default."""
    split = cast(SplitName, one_of("--split", wanted, SPLITS))
    from ctcbench.cli.progress import progress_listener
    from ctcbench.config.run_config import setting_fields

    text = registry().resolve("dataset", dataset or default_component("dataset"))
    built = build_dataset(registry(), text)
    if samples is None:
        samples = built.source.size(split) or setting_fields()[f"{split}_samples"].default
    from ctcbench.data.materialise import materialise

    with progress_listener() as listener:
        return materialise(
            built,
            split,
            samples,
            skip_bad=skip_bad,
            workers=workers,
            progress=lambda done, total: listener.images_drawn(split, done, total),
            notice=listener.notice,
        )

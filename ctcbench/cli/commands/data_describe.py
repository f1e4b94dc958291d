"""`ctcbench data describe`: size, alphabet and character counts of a split."""

from __future__ import annotations

import collections
from typing import Any

from rich.table import Table
from rich.text import Text

from ctcbench.cli.dataset_flags import Count, Dataset, SkipBad, Split, chosen_dataset, draw_samples
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.shared_flags import AsJson
from ctcbench.files.text import printable


def describe(
    dataset: Dataset = None,
    split: Split = "train",
    samples: Count = None,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Describe a split: image size, alphabet, text lengths, and the count of each character."""
    chosen = chosen_dataset(dataset)
    drawn = draw_samples(chosen, split, samples, skip_bad=skip_bad)
    image, alphabet = chosen.source.image, chosen.source.alphabet
    lengths = collections.Counter(map(len, drawn.texts))
    characters = collections.Counter("".join(drawn.texts))
    facts = {
        "dataset": chosen.text,
        "split": split,
        "notices": list(chosen.notices),
        "images": len(drawn),
        "left_out": drawn.left_out,
        "channels": image.channels,
        "height": image.height,
        "width": image.width,
        "alphabet": alphabet.characters,
        "direction": alphabet.direction,
        "classes": alphabet.num_classes,
        "fingerprint": drawn.fingerprint,
        "lengths": {str(length): lengths[length] for length in sorted(lengths)},
        "characters": {c: characters[c] for c in alphabet.characters},
    }
    if as_json:
        print_json(facts)
        return
    output_console().print(_facts_table(facts))


def _facts_table(facts: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    left_out = f" ({facts['left_out']:,} left out)" if facts["left_out"] else ""
    channels = f"{facts['channels']} channel{'' if facts['channels'] == 1 else 's'}"
    size = f"{facts['width']} × {facts['height']} pixels, {channels}"
    table.add_row("data set", Text(printable(facts["dataset"])))
    table.add_row("split", f"{facts['split']}, {facts['images']:,} images of {size}{left_out}")
    # Labels come from files of others: their control characters must not reach the terminal.
    table.add_row(
        "alphabet", Text(f"{printable(facts['alphabet'])} ({facts['classes']} classes with the blank)")
    )
    table.add_row("lengths", ", ".join(f"{n:,} of {length}" for length, n in facts["lengths"].items()))
    table.add_row(
        "characters", Text("  ".join(f"{printable(c)} {n:,}" for c, n in facts["characters"].items()))
    )
    table.add_row("fingerprint", facts["fingerprint"])
    return table

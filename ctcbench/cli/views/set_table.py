"""The table that `ctcbench data describe` prints."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping

from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from ctcbench.config.budget import rough_duration
from ctcbench.contract.word_lists import counted
from ctcbench.data.advised_training import SplitSize
from ctcbench.data.duplicate_images import Duplicates
from ctcbench.data.set_description import SetDescription
from ctcbench.data.set_statistics import FrameNeeds, PictureSizes, Spread
from ctcbench.data.training_advice import TrainingCost
from ctcbench.files.text import printable, visible_spaces
from ctcbench.reporting.number_format import percent

_MOST_LENGTHS = 12  # that are listed one by one


def set_table(described: SetDescription) -> Table:
    """Return the description of a data set as a table of names and values."""
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("data set", Text(printable(described.dataset)))
    table.add_row("split", _split(described))
    if len(described.splits) > 1:
        table.add_row("all splits", ", ".join(_counted(name, one) for name, one in described.splits.items()))
    if pictures := described.pictures:
        table.add_row("widths", _spread(pictures.widths))
        table.add_row("heights", _spread(pictures.heights))
        table.add_row("shapes", _shapes(pictures))
        if fit := _fit_advice(described):
            table.add_row("fit", fit)
        for name, advice in _content_advice(described):
            table.add_row(name, advice)
    alphabet = described.alphabet
    separator = "" if isinstance(alphabet.characters, str) else " "
    characters = separator.join(map(_visible, alphabet.characters))
    # Labels come from files of others: their control characters must not reach the terminal.
    table.add_row("alphabet", Text(f"{characters} ({alphabet.num_classes} classes with the blank)"))
    table.add_row("lengths", _lengths(described.lengths))
    counts = [Text(f"{_visible(c)} {n:,}") for c, n in described.characters.items()]
    table.add_row("characters", Columns(counts, padding=(0, 2)))
    if described.lacking:
        table.add_row(
            "not in alphabet", Text(printable(described.lacking.describe(described.dataset)), "red")
        )
    if described.frames:
        table.add_row("too long", _too_long(described, described.frames))
    if described.faint.images:
        table.add_row("contrast", _faint(described))
    for row in _duplicates(described.duplicates):
        table.add_row(*row)
    table.add_row("fingerprint", described.fingerprint)
    return table


def _split(described: SetDescription) -> str:
    image, size = described.image, described.size
    width = str(image.width)
    if described.widths:
        least, greatest = described.widths
        width = f"({least} to {greatest})"
    channels = counted(image.channels, "channel")
    return (
        f"{described.split}, {counted(size.images, 'image')} of {width} × {image.height} pixels, {channels}"
        f"{_left_out(size)}"
    )


def _counted(name: str, size: SplitSize) -> str:
    return f"{name} {size.images:,}{_left_out(size)}"


def _left_out(size: SplitSize) -> str:
    return f" ({size.left_out:,} left out)" if size.left_out else ""


def _spread(spread: Spread) -> str:
    if spread.least == spread.greatest:
        return f"{spread.least:,} pixels"
    low, median, high = spread.quartiles
    return (
        f"{spread.least:,} to {spread.greatest:,} pixels, median {median:,.0f} "
        f"(quartiles {low:,.0f} and {high:,.0f})"
    )


def _shapes(pictures: PictureSizes) -> Text:
    """Return how wide the pictures are for their height."""
    least, greatest = (f"{aspect:.2f}" for aspect in pictures.aspects)
    if least == greatest:
        return Text(f"{least} times as wide as high")
    return Text(f"{least} to {greatest} times as wide as high, the widest {printable(pictures.widest)}")


def _fit_advice(described: SetDescription) -> str:
    """Return the options of the data set that are advised, with the reason, or nothing."""
    advised, image = described.advised_options, described.image
    options = {name: advised[name] for name in ("fit", "height", "width") if name in advised}
    if not options:
        return ""
    is_new_fit = options["fit"] != described.fit
    listed = ",".join(f"{name}={value}" for name, value in options.items() if name != "fit" or is_new_fit)
    height = int(options["height"])
    if is_new_fit:
        aspect = image.width / image.height
        return f"stretch makes them all {aspect:.2f} times as wide as high; {listed} keeps their shapes"
    if height > image.height:
        return f"{listed} makes enough frames for all texts"
    without = " without the rows that crop leaves out" if "crop" in advised else ""
    return f"{listed} is the height of the pictures{without}; more rows take time and show nothing"


def _lengths(lengths: Mapping[int, int]) -> str:
    """Return the numbers of characters of the texts: each with its count, or of many their range."""
    if len(lengths) <= _MOST_LENGTHS:
        return ", ".join(f"{n:,} of {length}" for length, n in lengths.items())
    middle = statistics.median_high(Counter(lengths).elements())
    return f"{min(lengths):,} to {max(lengths):,} characters, median {middle:,}"


def _content_advice(described: SetDescription) -> list[tuple[str, str]]:
    """Return the options that the content of the pictures suggests: a name and a reason for each."""
    options, content, rows = described.advised_options, described.content, []
    if content is None:
        return []
    if content.ink and "crop" in options:
        share = percent(content.ink.median_share, 0)
        rows.append(("ink", f"takes {share} of the height; crop={options['crop']} makes the letters larger"))
    if content.colour_loss and "channels" in options:
        counted = f"{content.colour_loss.coloured} of {content.colour_loss.examined} pictures examined"
        keeps = f"channels={options['channels']} keeps it"
        rows.append(("colour", f"grey loses contrast in {counted}; {keeps}"))
    return rows


def training_cost(cost: TrainingCost) -> str:
    """Return the line with the cost of the training that is advised."""
    fast, slow = map(rough_duration, cost.seconds)
    return (
        f"{counted(cost.images, 'picture')}, {cost.epochs} epochs, {cost.teraflop:,.1f} TFLOP: roughly "
        f"{fast} if the cores here have bfloat16 instructions, {slow} if not; --budget 10m in place of "
        f"--epochs takes ten minutes"
    )


def _visible(character: str) -> str:
    return visible_spaces(printable(character))


def _too_long(described: SetDescription, frames: FrameNeeds) -> Text:
    """Return how many texts need more frames than a backbone of so many columns per frame has."""
    counted = [f"{n:,} with one every {columns}" for columns, n in frames.too_long.items() if n]
    # The last one that all texts fit into, because with fewer columns for each frame they fit as well.
    fitting = [columns for columns, n in frames.too_long.items() if not n]
    if fitting:
        counted.insert(0, f"none with a frame every {fitting[-1]} columns")
    # With the options that are advised there are other numbers of columns.
    image = described.image
    size = f" with {image.width} × {image.height} pixels" if described.advised_options else ""
    fewest = f"{frames.fewest_columns:,.1f}, {printable(frames.densest)}"
    return Text(f"for CTC{size}: {', '.join(counted)} (fewest columns for each frame: {fewest})")


def _faint(described: SetDescription) -> Text:
    faint, content = described.faint, described.content
    count = f"{faint.images:,} image{' has' if faint.images == 1 else 's have'}"
    parts = [f"{count} hardly any contrast ({printable(faint.example)})"]
    if content is not None:
        if described.image.channels == 1:
            parts.append("channels=3 keeps colours that are equally bright")
        if (hidden := content.hidden_text) and hidden.hidden:
            counted = f"{hidden.hidden} of {hidden.examined} pictures examined"
            parts.append(f"{counted} have light text on transparent pixels; ground=auto shows it")
    return Text("; ".join(parts), "red")


def _duplicates(found: Duplicates) -> list[tuple[str, Text]]:
    if not found.found:
        return [("duplicates", Text("none"))]
    parts = [f"{n:,} in {split}" for split, n in found.within.items() if n]
    rows = [("duplicates", Text("; ".join(parts) or "none in a split"))]
    if leaks := [f"{n:,} of {other} are in {one}" for (one, other), n in found.across.items() if n]:
        rows.append(("leakage", Text("; ".join(leaks), "red")))
    if differ := found.differing:
        rows.append(("", Text(f"{counted(differ, 'image')} with different texts", "red")))
    for group in found.examples:
        named = ", ".join(f"{name} ({split}, {text!r})" for split, name, text in group)
        rows.append(("", Text(printable(f"for example {named}"))))
    return rows

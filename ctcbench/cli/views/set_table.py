"""The table that `ctcbench data describe` prints."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any

from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from ctcbench.config.budget import rough_duration
from ctcbench.files.text import printable, visible_spaces
from ctcbench.reporting.number_format import percent

_MOST_LENGTHS = 12  # that are listed one by one


def set_table(facts: dict[str, Any]) -> Table:
    """Return the facts of a data set as a table of names and values."""
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    left_out = f" ({facts['left_out']:,} left out)" if facts["left_out"] else ""
    channels = f"{facts['channels']} channel{'' if facts['channels'] == 1 else 's'}"
    width = str(facts["width"])
    if facts["widths"]:
        width = f"({facts['widths']['least']} to {facts['widths']['greatest']})"
    size = f"{width} × {facts['height']} pixels, {channels}"
    table.add_row("data set", Text(printable(facts["dataset"])))
    table.add_row("split", f"{facts['split']}, {facts['images']:,} images of {size}{left_out}")
    if len(facts["splits"]) > 1:
        table.add_row("all splits", ", ".join(_counted(name, one) for name, one in facts["splits"].items()))
    if pictures := facts["pictures"]:
        for name in ("widths", "heights"):
            table.add_row(name, _spread(pictures[name]))
        table.add_row("shapes", _shapes(pictures))
        if fit := _fit_advice(facts):
            table.add_row("fit", fit)
        for name, advice in _content_advice(facts):
            table.add_row(name, advice)
    alphabet = facts["alphabet"]
    separator = "" if isinstance(alphabet, str) else " "
    characters = separator.join(map(_visible, alphabet))
    # Labels come from files of others: their control characters must not reach the terminal.
    table.add_row("alphabet", Text(f"{characters} ({facts['classes']} classes with the blank)"))
    table.add_row("lengths", _lengths(facts["lengths"]))
    counts = [Text(f"{_visible(c)} {n:,}") for c, n in facts["characters"].items()]
    table.add_row("characters", Columns(counts, padding=(0, 2)))
    if facts["frames"]:
        table.add_row("too long", _too_long(facts))
    if facts["faint"]["images"]:
        table.add_row("contrast", _faint(facts))
    for row in _duplicates(facts["duplicates"]):
        table.add_row(*row)
    table.add_row("fingerprint", facts["fingerprint"])
    return table


def _counted(name: str, one: dict[str, int]) -> str:
    left_out = f" ({one['left_out']:,} left out)" if one["left_out"] else ""
    return f"{name} {one['images']:,}{left_out}"


def _spread(spread: dict[str, Any]) -> str:
    if spread["least"] == spread["greatest"]:
        return f"{spread['least']:,} pixels"
    low, median, high = spread["quartiles"]
    return (
        f"{spread['least']:,} to {spread['greatest']:,} pixels, median {median:,.0f} "
        f"(quartiles {low:,.0f} and {high:,.0f})"
    )


def _shapes(pictures: dict[str, Any]) -> Text:
    """Return how wide the pictures are for their height."""
    least, greatest = pictures["aspects"]
    if least == greatest:
        return Text(f"{least:.2f} times as wide as high")
    return Text(
        f"{least:.2f} to {greatest:.2f} times as wide as high, the widest {printable(pictures['widest'])}"
    )


def _fit_advice(facts: dict[str, Any]) -> str:
    """Return the options of the data set that are advised, with the reason, or nothing."""
    advised = facts.get("advice", {}).get("options", {})
    options = {name: advised[name] for name in ("fit", "height", "width") if name in advised}
    if not options:
        return ""
    is_new_fit = options["fit"] != facts["fit"]
    listed = ",".join(f"{name}={value}" for name, value in options.items() if name != "fit" or is_new_fit)
    height = int(options["height"])
    if is_new_fit:
        aspect = facts["width"] / facts["height"]
        return f"stretch makes them all {aspect:.2f} times as wide as high; {listed} keeps their shapes"
    if height > facts["height"]:
        return f"{listed} makes enough frames for all texts"
    without = " without the rows that crop leaves out" if "crop" in advised else ""
    return f"{listed} is the height of the pictures{without}; more rows take time and show nothing"


def _lengths(lengths: dict[str, int]) -> str:
    """Return the numbers of characters of the texts: each with its count, or of many their range."""
    if len(lengths) <= _MOST_LENGTHS:
        return ", ".join(f"{n:,} of {length}" for length, n in lengths.items())
    longest = list(map(int, lengths))
    middle = statistics.median_high(Counter(dict(zip(longest, lengths.values(), strict=True))).elements())
    return f"{longest[0]:,} to {longest[-1]:,} characters, median {middle:,}"


def _content_advice(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the options that the content of the pictures suggests: a name and a reason for each."""
    options, rows = facts.get("advice", {}).get("options", {}), []
    if "crop" in options:
        share = percent(facts["ink"]["median_share"], 0)
        rows.append(("ink", f"takes {share} of the height; crop={options['crop']} makes the letters larger"))
    if "channels" in options:
        loss = facts["colour_loss"]
        counted = f"{loss['coloured']} of {loss['examined']} pictures examined"
        keeps = f"channels={options['channels']} keeps it"
        rows.append(("colour", f"grey loses contrast in {counted}; {keeps}"))
    return rows


def training_cost(cost: dict[str, Any]) -> str:
    """Return the line with the cost of the training that is advised."""
    fast, slow = (rough_duration(seconds) for seconds in cost["seconds"])
    return (
        f"{cost['images']:,} pictures, {cost['epochs']} epochs, {cost['teraflop']:,.1f} TFLOP: roughly "
        f"{fast} if the cores here have bfloat16 instructions, {slow} if not; --budget 10m in place of "
        f"--epochs takes ten minutes"
    )


def _visible(character: str) -> str:
    return visible_spaces(printable(character))


def _too_long(facts: dict[str, Any]) -> Text:
    """Return how many texts need more frames than a backbone of so many columns per frame has."""
    frames = facts["frames"]
    by_columns = frames["too_long_by_columns_per_frame"]
    counted = [f"{n:,} with one every {columns}" for columns, n in by_columns.items() if n]
    # The last one that all texts fit into, because with fewer columns for each frame they fit as well.
    fitting = [columns for columns, n in by_columns.items() if not n]
    if fitting:
        counted.insert(0, f"none with a frame every {fitting[-1]} columns")
    fewest, densest = frames["fewest_columns_per_frame"], printable(frames["densest"])
    # With the options that are advised there are other numbers of columns.
    is_advised = facts.get("advice", {}).get("options")
    size = f" with {facts['width']} × {facts['height']} pixels" if is_advised else ""
    return Text(
        f"for CTC{size}: {', '.join(counted)} (fewest columns for each frame: {fewest:,.1f}, {densest})"
    )


def _faint(facts: dict[str, Any]) -> Text:
    faint = facts["faint"]
    count = f"{faint['images']:,} image{' has' if faint['images'] == 1 else 's have'}"
    parts = [f"{count} hardly any contrast ({printable(faint['example'])})"]
    if facts["pictures"]:
        if facts["channels"] == 1:
            parts.append("channels=3 keeps colours that are equally bright")
        if (hidden := facts["hidden_text"]) and hidden["hidden"]:
            counted = f"{hidden['hidden']} of {hidden['examined']} pictures examined"
            parts.append(f"{counted} have light text on transparent pixels; ground=auto shows it")
    return Text("; ".join(parts), "red")


def _duplicates(found: dict[str, Any]) -> list[tuple[str, Text]]:
    parts = [f"{n:,} in {split}" for split, n in found["within"].items() if n]
    leaks = [
        f"{n:,} of {pair.rpartition(' ')[2]} are in {pair.partition(' ')[0]}"
        for pair, n in found["across"].items()
        if n
    ]
    if not parts and not leaks:
        return [("duplicates", Text("none"))]
    rows = [("duplicates", Text("; ".join(parts) or "none in a split"))]
    if leaks:
        rows.append(("leakage", Text("; ".join(leaks), "red")))
    if differ := found["groups_with_different_texts"]:
        rows.append(("", Text(f"{differ:,} image{'s' if differ > 1 else ''} with different texts", "red")))
    for group in found["examples"]:
        named = ", ".join(f"{one['name']} ({one['split']}, {one['text']!r})" for one in group)
        rows.append(("", Text(printable(f"for example {named}"))))
    return rows

"""Example images as in the talk's diagnostics: the raw frame path, what was decoded, the target."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from ctcbench.contract.data import LogProbs
from ctcbench.files.text import printable

WRONG, RIGHT = 6, 3


@dataclass(frozen=True)
class Example:
    """One image: ``raw``, the likeliest class of each frame (blank as ·), and the texts."""

    raw: str
    decoded: str
    target: str


def first_images(log_probs: LogProbs, number: int) -> LogProbs:
    """Return the log-probs of the first images: enough to choose examples from."""
    return dataclasses.replace(
        log_probs,
        values_NTK=log_probs.values_NTK[:number],
        lengths_N=log_probs.lengths_N[:number],
        texts=log_probs.texts[:number],
    )


def choose(
    log_probs: LogProbs, decoded: Sequence[str], wrong: int = WRONG, right: int = RIGHT
) -> list[Example]:
    """Return the first images that were read wrongly, and a few of those that were read right.

    Where there are too few of one sort, the other fills up.
    """
    misses = [i for i, text in enumerate(decoded) if text != log_probs.texts[i]]
    hits = [i for i, text in enumerate(decoded) if text == log_probs.texts[i]]
    num_hits = min(len(hits), right + max(0, wrong - len(misses)))
    num_misses = min(len(misses), wrong + max(0, right - len(hits)))
    best_NT = log_probs.values_NTK.argmax(axis=2)
    return [
        Example(
            log_probs.alphabet.path(best_NT[i, : log_probs.lengths_N[i]].tolist()),
            decoded[i],
            log_probs.texts[i],
        )
        for i in misses[:num_misses] + hits[:num_hits]
    ]


def examples_table(examples: Sequence[Example]) -> Table:
    """Return the examples as a table, differing characters highlighted."""
    table = Table(title="examples", title_justify="left", title_style="bold")
    table.add_column("RAW (frames, · is blank)", overflow="fold")
    table.add_column("DECODED", overflow="fold")
    table.add_column("TARGET", overflow="fold")
    table.add_column("")
    for example in examples:
        decoded, target = highlighted(example.decoded, example.target)
        mark = Text("right", "green") if example.decoded == example.target else Text("wrong", "red")
        table.add_row(Text(printable(example.raw)), decoded, target, mark)
    return table


def highlighted(decoded: str, target: str) -> tuple[Text, Text]:
    """Return both texts with the characters marked that have no counterpart in the other."""
    decoded, target = printable(decoded), printable(target)
    left, right = Text(decoded), Text(target)
    matcher = difflib.SequenceMatcher(None, decoded, target, autojunk=False)
    for kind, from_left, to_left, from_right, to_right in matcher.get_opcodes():
        if kind != "equal":
            left.stylize("bold red", from_left, to_left)
            right.stylize("bold yellow", from_right, to_right)
    return (left if decoded else Text("(empty)", "bold red")), right

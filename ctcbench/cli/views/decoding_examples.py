"""Example images as in the talk: best path frame by frame, decoded text and target."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from ctcbench.contract.data import LogProbs
from ctcbench.files.text import printable, visible_outer_spaces, visible_spaces

# More mistakes than successes, because they show what the network has not learned.
WRONG, RIGHT = 6, 3


@dataclass(frozen=True)
class Example:
    """One image: ``raw`` has the most probable class of each frame (blank as ·), then the two texts."""

    raw: str
    decoded: str
    target: str


def choose_examples(
    log_probs: LogProbs, decoded: Sequence[str], wrong: int = WRONG, right: int = RIGHT
) -> list[Example]:
    """Return the first `wrong` images that were misread and the first `right` that were read correctly.

    If there are too few of one kind, more of the other are returned. `decoded` has the texts of the
    first images of `log_probs`; only these are looked at.
    """
    # The first ones and not a random choice: every decoder of a run then shows the same images.
    misses = [i for i, text in enumerate(decoded) if text != log_probs.texts[i]]
    hits = [i for i, text in enumerate(decoded) if text == log_probs.texts[i]]
    num_hits = min(len(hits), right + max(0, wrong - len(misses)))
    num_misses = min(len(misses), wrong + max(0, right - len(hits)))
    return [
        Example(best_path(log_probs, i), decoded[i], log_probs.texts[i])
        for i in misses[:num_misses] + hits[:num_hits]
    ]


def best_path(log_probs: LogProbs, index: int) -> str:
    """Return the most probable class of each frame of an image as a text, the blank as ·."""
    frames = int(log_probs.lengths_N[index])
    return log_probs.alphabet.path(log_probs.values_NTK[index, :frames].argmax(axis=1).tolist())


def examples_table(examples: Sequence[Example]) -> Table:
    """Return the examples as a table in which differing characters are highlighted."""
    table = Table(title="examples", title_justify="left", title_style="bold")
    table.add_column("RAW (frames, · is blank)", overflow="fold")
    table.add_column("DECODED", overflow="fold")
    table.add_column("TARGET", overflow="fold")
    table.add_column("")
    for example in examples:
        decoded, target = highlight(example.decoded, example.target)
        mark = Text("right", "green") if example.decoded == example.target else Text("wrong", "red")
        table.add_row(Text(visible_spaces(printable(example.raw))), decoded, target, mark)
    return table


def highlight(decoded: str, target: str) -> tuple[Text, Text]:
    """Return both texts; characters of one that have no counterpart in the other are coloured."""
    # Without marks, two texts that differ in a space at the end would look equal.
    decoded, target = (visible_outer_spaces(printable(text)) for text in (decoded, target))
    left, right = Text(decoded), Text(target)
    # autojunk ignores frequent characters in long texts, which would then be marked as different.
    matcher = difflib.SequenceMatcher(None, decoded, target, autojunk=False)
    for kind, from_left, to_left, from_right, to_right in matcher.get_opcodes():
        if kind != "equal":
            left.stylize("bold red", from_left, to_left)
            right.stylize("bold yellow", from_right, to_right)
    return (left if decoded else Text("(empty)", "bold red")), right

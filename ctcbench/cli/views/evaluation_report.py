"""The score of a recogniser as `ctcbench evaluate` prints it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ctcbench.cli.views.decoding_examples import highlight
from ctcbench.cli.views.prediction_output import aligned_confidences, unfamiliar_pictures
from ctcbench.cli.views.run_report import MetricsTable
from ctcbench.contract.word_lists import counted
from ctcbench.files.text import printable
from ctcbench.reporting.number_format import MISSING, percent

if TYPE_CHECKING:
    from ctcbench.recognition.recogniser_score import Misreading, RecogniserScore

_LISTED, _MISREAD = 10, 6  # characters and misread pictures that are printed


def evaluation_report(found: RecogniserScore, misread: Path | None) -> list[RenderableType]:
    """Return the report of a score, from top to bottom; `misread` is the file of the misread pictures."""
    parts: list[RenderableType] = []
    if found.misread and misread is None:
        parts += [_examples(found.misread[:_MISREAD]), ""]
    parts += [MetricsTable(found.split, found.images, found.metrics), "", _facts(found, misread)]
    return parts


def _examples(misread: Iterable[Misreading]) -> Table:
    table = Table(title="misread, for example", title_justify="left", title_style="bold")
    for header in ("image", "text", "reading"):
        table.add_column(header, overflow="fold")
    table.add_column("confidence")
    shown = list(misread)
    confidences = aligned_confidences([(one.confidence, one.familiar, None) for one in shown])
    for one, confidence in zip(shown, confidences, strict=True):
        reading, text = highlight(one.reading, one.text)
        table.add_row(Text(printable(one.name)), text, reading, Text(confidence))
    return table


def _facts(found: RecogniserScore, misread: Path | None) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = {"data set": found.dataset, "decoder": found.decoder}
    if found.crops:
        rows["crops"] = ", ".join(f"{crop:g}" for crop in found.crops)
    others = {name: size for name, size in found.splits.items() if name != found.split}
    if found.split != "all" and others:
        listed = ", ".join(f"{name} {size:,}" for name, size in others.items())
        rows["not scored"] = f"{listed} (--split all scores every picture)"
    if found.left_out:
        rows["left out"] = f"{counted(found.left_out, 'picture')} that can't be used"
    if found.unreadable:
        lacking = [f"{_character(character)} ({count:,})" for character, count in found.lacking.items()]
        more = f" and {len(lacking) - _LISTED:,} more" if len(lacking) > _LISTED else ""
        shown = ", ".join(lacking[:_LISTED]) + more
        labels = "1 label has" if found.unreadable == 1 else f"{found.unreadable:,} labels have"
        rows["not in alphabet"] = (
            f"{labels} characters that the recogniser's alphabet lacks, counted as errors: {shown}"
        )
    rows["confidence"] = f"mean {_share(found.mean_confidence)}, calibration error (ECE) {_share(found.ece)}"
    rows["unfamiliar"] = _unfamiliar(found)
    if found.proofs is not None:
        rows["proven best"] = str(found.proofs)
    if found.confusions:
        rows["confusions"] = ", ".join(
            f"{_character(target)} → {_character(read)} ({count:,})"
            for target, read, count in found.confusions[:_LISTED]
        )
    if misread is not None:
        rows["misread"] = f"{counted(len(found.misread), 'picture')}, in {misread}"
    for name, text in rows.items():
        # As `Text`, because rich would read brackets in a plain string as markup.
        table.add_row(name, Text(printable(text)))
    return table


def _unfamiliar(found: RecogniserScore) -> str:
    if found.unfamiliar is None:
        return "not known: the recogniser has no statistics of its training images"
    if not found.unfamiliar:
        return f"none of {counted(found.images, 'picture')}"
    return unfamiliar_pictures(found.unfamiliar, found.images, "picture")


def _character(character: str) -> str:
    return {"": "nothing", " ": "␣"}.get(character, character)


def _share(value: float | None) -> str:
    return MISSING if value is None else percent(value, 1)

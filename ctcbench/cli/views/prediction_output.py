"""Predictions on standard output as they come: a table, JSON, JSON Lines or CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from rich.table import Table
from rich.text import Text

from ctcbench.cli.output import output_console, output_stream, print_json_text
from ctcbench.contract.word_lists import counted
from ctcbench.files.text import (
    one_line,
    printable,
    printable_json,
    visible_outer_spaces,
    visible_spaces,
)
from ctcbench.reporting.formats.csv_json import exact_cell

if TYPE_CHECKING:
    from ctcbench.recognition.prediction import Alternative, Prediction

_ROWS_OF_A_TABLE = 1_000


class PredictionOutput(Protocol):
    """Where predictions are written; of a picture that can't be read there is the reason instead."""

    def add(self, name: str, prediction: Prediction | str) -> None:
        """Write the prediction of a picture, or keep it until there are enough for a table."""
        ...

    def finish(self) -> None:
        """Write what is left."""
        ...


@dataclass
class TableOutput:
    """Tables of at most a thousand pictures, without those that can't be read.

    Attributes:
        before_print: called before a table is printed, so that a progress bar makes room for it.
        n_best: whether there is a column of other texts.
        positions: whether there is a column of characters.
    """

    before_print: Callable[[], None]
    n_best: bool
    positions: bool
    _rows: list[tuple[str, Prediction]] = field(default_factory=list)

    def add(self, name: str, prediction: Prediction | str) -> None:
        """Add a row, and print the table if it is full."""
        if not isinstance(prediction, str):
            self._rows.append((name, prediction))
        if len(self._rows) == _ROWS_OF_A_TABLE:
            self.finish()

    def finish(self) -> None:
        """Print the table, if it has rows."""
        if not self._rows:
            return
        table = Table()
        # A text or a confidence that is cut off is worth nothing: on a narrow terminal they are folded.
        for title in ("image", "text", "confidence"):
            table.add_column(title, overflow="fold")
        if self.n_best:
            table.add_column(self._best_header(), no_wrap=True)
        if self.positions:
            table.add_column("characters, columns", no_wrap=True)
        readings = [(one.confidence, one.familiar, one.optimal) for _, one in self._rows]
        for (name, prediction), confidence in zip(self._rows, aligned_confidences(readings), strict=True):
            text = visible_outer_spaces(printable(prediction.text))
            cells = [Text(printable(name), overflow="fold"), Text(text, "bold"), Text(confidence)]
            if self.n_best:
                cells.append(Text("\n".join(map(_shown_text, prediction.alternatives or ()))))
            if self.positions:
                places = [
                    f"{visible_spaces(printable(c.text))}  {c.left:.0f}–{c.right:.0f}  {_shown(c.confidence)}"
                    for c in prediction.characters or ()
                ]
                cells.append(Text("\n".join(places)))
            table.add_row(*cells)
        self._rows.clear()
        self.before_print()
        output_console().print(table)

    def _best_header(self) -> str:
        """Return what the other texts are sorted by: a score is shown if it is not the confidence."""
        texts = [text for _, prediction in self._rows for text in prediction.alternatives or ()]
        has_scores = any(text.score is not None for text in texts)
        return "highest score, confidence" if has_scores else "most probable"


@dataclass
class JsonOutput:
    """One JSON document, a list with an object for each picture."""

    _is_first: bool = True

    def add(self, name: str, prediction: Prediction | str) -> None:
        """Print an object of the list."""
        print_json_text(("[\n  " if self._is_first else ",\n  ") + _line(name, prediction))
        self._is_first = False

    def finish(self) -> None:
        """End the list."""
        print_json_text("[]\n" if self._is_first else "\n]\n")


class JsonLinesOutput:
    """A JSON object for each picture, one a line."""

    def add(self, name: str, prediction: Prediction | str) -> None:
        """Print an object."""
        print_json_text(_line(name, prediction) + "\n")

    def finish(self) -> None:
        """Do nothing: every line is a document."""


class CsvOutput:
    """CSV with a line for each picture, its text and name as they are.

    Texts that a spreadsheet would evaluate have a ``'`` in front.

    Args:
        n_best: number of the best texts, which have three columns each.
    """

    def __init__(self, n_best: int) -> None:
        parts = ("text", "confidence", "score")
        others = [f"{part}_{rank}" for rank in range(1, n_best + 1) for part in parts]
        self._columns = ["image", "text", "confidence", "familiar", "optimal", "gap", *others, "error"]
        self._print(self._columns)

    def add(self, name: str, prediction: Prediction | str) -> None:
        """Print a line."""
        entry = _entry(name, prediction)
        for rank, other in enumerate(entry.pop("alternatives", ()), start=1):
            entry |= {f"{part}_{rank}": value for part, value in other.items()}
        if (reason := entry.get("error")) is not None:
            entry["error"] = one_line(reason)
        self._print([entry.get(column) for column in self._columns])

    def finish(self) -> None:
        """Do nothing: every line is printed."""

    def _print(self, cells: list[Any]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(map(exact_cell, cells))
        output_stream().write(line.getvalue())


def _line(name: str, prediction: Prediction | str) -> str:
    return printable_json(_entry(name, prediction), indent=None)


def _entry(name: str, prediction: Prediction | str) -> dict[str, Any]:
    """Return the JSON object of a picture."""
    if isinstance(prediction, str):
        return {"image": name, "text": None, "confidence": None, "error": prediction}
    entry: dict[str, Any] = {
        "image": name,
        "text": prediction.text,
        "confidence": prediction.confidence,
        "familiar": prediction.familiar,
        "distance": prediction.distance,
    }
    if prediction.optimal is not None and prediction.gap is not None:
        # JSON has no infinity.
        gap = prediction.gap if prediction.gap < math.inf else None
        entry |= {"optimal": prediction.optimal, "gap": gap}
    if prediction.alternatives is not None:
        entry["alternatives"] = [asdict(alternative) for alternative in prediction.alternatives]
    if prediction.characters is not None:
        entry["size"] = list(prediction.size)
        entry["characters"] = [
            {"text": c.text, "left": round(c.left, 1), "right": round(c.right, 1), "confidence": c.confidence}
            for c in prediction.characters
        ]
    return entry


def _shown_text(alternative: Alternative) -> str:
    score = "" if alternative.score is None else f"{alternative.score:.2f}  "
    text = visible_outer_spaces(printable(alternative.text))
    return f"{text}  {score}{_shown(alternative.confidence)}"


def aligned_confidences(readings: Sequence[tuple[float | None, bool | None, bool | None]]) -> list[str]:
    """Return the cells of confidences, one below the other: percentages, and marks of what limits them.

    Args:
        readings: the confidence of each, whether its picture is like the training images, and whether the
            text is proven to be the best one; None where that is not known.
    """
    shown = [_shown(confidence) for confidence, _, _ in readings]
    width = max(map(len, shown), default=0)
    cells = []
    for text, (_, familiar, optimal) in zip(shown, readings, strict=True):
        marks = [("unfamiliar", familiar), ("not proven", optimal)]
        cells.append("  ".join([f"{text:>{width}}", *(mark for mark, known in marks if known is False)]))
    return cells


def unfamiliar_pictures(number: int, images: int, noun: str) -> str:
    """Return how many pictures are not like the training images, and what that means."""
    whose = (
        "it differs from the training images, and its"
        if number == 1
        else ("they differ from the training images, and their")
    )
    return f"{number:,} of {counted(images, noun)}; {whose} confidence may be far too high"


def _shown(confidence: float | None) -> str:
    return "–" if confidence is None else f"{confidence * 100:.1f} %"

"""misread_csv(): the pictures that a recogniser did not read right, as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ctcbench.reporting.formats.csv_json import exact_cell

if TYPE_CHECKING:
    from ctcbench.recognition.recogniser_score import Misreading

MISREAD_COLUMNS = ("image", "text", "reading", "confidence", "familiar")


def misread_csv(misread: Iterable[Misreading]) -> str:
    """Return the misread pictures as CSV, with `exact_cell` for texts and names."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(MISREAD_COLUMNS)
    writer.writerows(map(exact_cell, one) for one in misread)
    return written.getvalue()

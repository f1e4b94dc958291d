"""Contact sheets: some test images of each data set of a report, with their texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError
from ctcbench.reporting.formats.html.cached_images import CachedImages
from ctcbench.reporting.members import Member
from ctcbench.reporting.report_model import Row

MOST_SHEETS = 3
MOST_IMAGES = 24


def data_sheets(rows: Sequence[Row], images: CachedImages) -> dict[str, Any]:
    """Return ``{"sheets", "left_out"}``: a sheet for each set of test images, at most `MOST_SHEETS`.

    A sheet is ``{"dataset", "rows", "about", "pictures", "why"}``: the component string, the numbers of the
    rows that were tested on it, facts as ``[name, value]``, the first images as ``[key, text]`` with keys of
    `images`, and the reason if there are none.
    """
    found: dict[str, tuple[Member, list[int]]] = {}
    for row in rows:
        for fingerprint, member in {member.fingerprint: member for member in row.members}.items():
            found.setdefault(fingerprint, (member, []))[1].append(row.number)
    sheets = [_sheet(member, numbers, images) for member, numbers in list(found.values())[:MOST_SHEETS]]
    return {"sheets": sheets, "left_out": len(found) - len(sheets)}


def _sheet(member: Member, rows: Sequence[int], images: CachedImages) -> dict[str, Any]:
    config = member.result.config
    sheet: dict[str, Any] = {"dataset": str(config.get("dataset", "")), "rows": rows, "pictures": []}
    sheet |= {"about": [["test images", f"{member.result.score.images:,}"]], "why": ""}
    try:
        samples = images.samples(RunConfig(**config), member.fingerprint)
    except CtcbenchError:
        samples = "no images: the settings are of another version of ctcbench"
    if isinstance(samples, str):
        return sheet | {"why": samples}
    height, widths_N = samples.images_NCHW.shape[2], samples.widths_N
    sizes = sorted({len(text) for text in samples.texts})
    sheet["about"] += [
        ["size", f"{_range(int(widths_N.min()), int(widths_N.max()))} × {height} pixels"],
        ["characters in a text", _range(sizes[0], sizes[-1])],
        ["different characters", f"{len(set().union(*samples.texts)):,}"],
    ]
    for index in range(min(MOST_IMAGES, len(samples))):
        key, why = images.key(RunConfig(**config), member.fingerprint, index)
        if not key:
            return sheet | {"why": why}
        sheet["pictures"].append([key, samples.texts[index]])
    return sheet


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} – {high}"

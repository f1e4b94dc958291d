"""metrics.jsonl: one JSON record a line, appended during training, truncated when a run is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctcbench.files.json_lines import append_records, format_records, parse_records
from ctcbench.files.plain_files import MIB
from ctcbench.files.plain_folder import PlainFolder

FILE = "metrics.jsonl"
SIZE_LIMIT = 512 * MIB


def append(folder: PlainFolder, record: Mapping[str, Any]) -> None:
    """Append `record` as a line; see `append_records`."""
    append_records(folder, FILE, [record], SIZE_LIMIT)


def parse(data: bytes, path: Path) -> list[dict[str, Any]]:
    """Return the records in the content of the file in order; see `parse_records`."""
    return parse_records(data, path)


def truncate(folder: PlainFolder, step: int) -> None:
    """Remove the records past `step`, counted from 1; records without a step are kept. Atomic.

    Raises:
        CtcbenchError: the file is damaged.
        UsageError: the file can't be written.
    """
    if folder.has(FILE):
        records = parse(folder.read(FILE, SIZE_LIMIT), folder.path / FILE)
        folder.write(FILE, format_records(record for record in records if not _is_past(record, step)))


def _is_past(record: Mapping[str, Any], step: int) -> bool:
    return isinstance(record.get("step"), int) and record["step"] > step

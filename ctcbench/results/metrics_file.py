"""metrics.jsonl: one JSON record a line, appended during training, truncated when a run is resumed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.atomic import unwritable, write_text


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Append `record` as a line; it is written to the operating system when this returns.

    A number that is not finite becomes null, as JSON has no NaN. An incomplete last line, which a crash
    left, is removed first.

    Raises:
        UsageError: the file can't be written; an incomplete line of a full disk is removed.
    """
    line = _line(record)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            if end and file.read() != b"\n":
                write_text(path, "".join(map(_line, read(path))))
                return append(path, record)
            _append_whole(file.fileno(), line.encode(), end)
    except OSError as error:
        raise unwritable(path, error) from error


def read(path: Path) -> list[dict[str, Any]]:
    """Return the records in `path` in order, without an incomplete last line; none if there is no file.

    Raises:
        CtcbenchError: the file can't be read, or a line other than the last is damaged; the message
            gives its number.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CtcbenchError(f"{path}: can't be read ({error.strerror})") from error
    if not lines[-1]:
        lines.pop()
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("expected an object")
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                break
            raise CtcbenchError(f"{path}: line {number} is damaged ({error})") from error
        records.append(record)
    return records


def truncate(path: Path, step: int) -> None:
    """Remove the records past `step`, counted from 1; records without a step are kept. Atomic.

    Raises:
        CtcbenchError: the file is damaged.
        UsageError: the file can't be written.
    """
    if path.exists():
        kept = [record for record in read(path) if not _is_past(record, step)]
        write_text(path, "".join(map(_line, kept)))


def _is_past(record: Mapping[str, Any], step: int) -> bool:
    return isinstance(record.get("step"), int) and record["step"] > step


def _line(record: Mapping[str, Any]) -> str:
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
    return json.dumps(finite, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _append_whole(descriptor: int, line: bytes, end: int) -> None:
    try:
        while line:
            line = line[os.write(descriptor, line) :]
    except OSError:
        # A full disk may have taken part of the line, which would damage the record appended next.
        os.ftruncate(descriptor, end)
        raise

"""metrics.jsonl: one JSON record a line, appended while training, cut back when a run is resumed."""

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
    """Add `record` as a line, handed to the system before this returns.

    A number that is not finite becomes null, as JSON has no NaN. A line that a crash cut off is
    dropped first, so that it can't swallow this one.

    Raises:
        UsageError: the file can't be written; a line that a full disk cut off is taken back.
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
    """Return the records in `path` in order, none where there is no file; a cut-off last line is left out.

    Raises:
        CtcbenchError: the file can't be read, or a line other than the last is damaged; says which.
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
    """Keep the records up to `step` (those without a step stay), rewriting the file atomically.

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
        os.ftruncate(descriptor, end)
        raise

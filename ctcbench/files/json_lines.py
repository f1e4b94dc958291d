"""Files of one JSON object a line, to which lines are appended; a crash can leave an incomplete last line."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import loads
from ctcbench.files.plain_folder import PlainFolder


def append_records(
    folder: PlainFolder, name: str, records: Iterable[Mapping[str, Any]], size_limit: int
) -> None:
    """Append `records`, each as a line; they are written to the operating system when this returns.

    A number that is not finite becomes null, as JSON has no NaN. An incomplete last line, which a crash
    left, is removed first.

    Raises:
        NotPlain: the file is a link, a pipe or a device.
        CtcbenchError: the folder was deleted or moved.
        UsageError: the file can't be written; an incomplete line of a full disk is removed.
    """
    lines = format_records(records)
    with folder.open_to_append(name) as handle:
        end = os.fstat(handle).st_size
        is_whole = not end or os.pread(handle, 1, end - 1) == b"\n"
        if is_whole:
            _append_whole(handle, lines, end)
    if not is_whole:
        whole = format_records(parse_records(folder.read(name, size_limit), folder.path / name))
        folder.write(name, whole + lines)


def parse_records(data: bytes, path: Path) -> list[dict[str, Any]]:
    """Return the records in the content of a file in order, without an incomplete last line.

    Raises:
        CtcbenchError: a line other than the last is damaged; the message has `path` and its number.
    """
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = loads(line)
            if not isinstance(record, dict):
                raise ValueError("expected an object")
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                break
            raise CtcbenchError(f"{path}: line {number} is damaged ({error})") from error
        records.append(record)
    return records


def format_records(records: Iterable[Mapping[str, Any]]) -> bytes:
    """Return records as lines of JSON."""
    return "".join(map(_line, records)).encode()


def _line(record: Mapping[str, Any]) -> str:
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
    return json.dumps(finite, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _append_whole(descriptor: int, lines: bytes, end: int) -> None:
    try:
        while lines:
            lines = lines[os.write(descriptor, lines) :]
    except OSError:
        # A full disk may have taken part of a line, which would damage the record appended next.
        os.ftruncate(descriptor, end)
        raise

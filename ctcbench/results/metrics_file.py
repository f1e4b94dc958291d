"""metrics.jsonl: one JSON record a line, appended during training, truncated when a run is resumed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import loads
from ctcbench.files.plain_files import MIB
from ctcbench.files.plain_folder import PlainFolder

FILE = "metrics.jsonl"
SIZE_LIMIT = 512 * MIB


def append(folder: PlainFolder, record: Mapping[str, Any]) -> None:
    """Append `record` as a line; it is written to the operating system when this returns.

    A number that is not finite becomes null, as JSON has no NaN. An incomplete last line, which a crash
    left, is removed first.

    Raises:
        NotPlain: the file is a link, a pipe or a device.
        CtcbenchError: the folder was deleted or moved.
        UsageError: the file can't be written; an incomplete line of a full disk is removed.
    """
    line = _line(record).encode()
    with folder.open_to_append(FILE) as handle:
        end = os.fstat(handle).st_size
        is_whole = not end or os.pread(handle, 1, end - 1) == b"\n"
        if is_whole:
            _append_whole(handle, line, end)
    if not is_whole:
        whole = "".join(map(_line, parse(folder.read(FILE, SIZE_LIMIT), folder.path / FILE)))
        folder.write(FILE, whole.encode() + line)


def parse(data: bytes, path: Path) -> list[dict[str, Any]]:
    """Return the records in the content of the file in order, without an incomplete last line.

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


def truncate(folder: PlainFolder, step: int) -> None:
    """Remove the records past `step`, counted from 1; records without a step are kept. Atomic.

    Raises:
        CtcbenchError: the file is damaged.
        UsageError: the file can't be written.
    """
    if folder.has(FILE):
        records = parse(folder.read(FILE, SIZE_LIMIT), folder.path / FILE)
        kept = [record for record in records if not _is_past(record, step)]
        folder.write(FILE, "".join(map(_line, kept)).encode())


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

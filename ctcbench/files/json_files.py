"""JSON documents in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.atomic import write_text


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document to `path` atomically.

    Raises:
        ValueError: the document holds NaN or infinity, which JSON lacks.
        UsageError: the file can't be written.
    """
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the JSON document in `path`.

    Raises:
        CtcbenchError: the file can't be read, or is cut off or damaged; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CtcbenchError(f"{path}: can't be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise CtcbenchError(f"{path}: damaged or cut off ({error})") from error


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`.

    Raises:
        CtcbenchError: the file can't be read, is damaged, or holds something else.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise CtcbenchError(f"{path}: expected a JSON object")
    return document

"""JSON documents in files: read strictly, written atomically."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from ctcbench.contract.errors import CtcbenchError


def format_json(document: Any, *, indent: int | None = 2) -> bytes:
    """Return a JSON document as the content of a file, on one line if `indent` is None.

    Raises:
        ValueError: the document holds NaN or infinity, which JSON lacks.
    """
    separators = (",", ":") if indent is None else None
    dump = partial(json.dumps, document, indent=indent, separators=separators, allow_nan=False)
    try:
        return (dump(ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # a lone surrogate, of a file name that is not Unicode, exists only escaped
        return (dump(ensure_ascii=True) + "\n").encode()


def parse_json(data: bytes, path: Path) -> Any:
    """Return the JSON document in the content of a file; `path` names it in errors.

    Stricter than `json.loads`: a name may appear once in an object, and a number must be finite.

    Raises:
        CtcbenchError: the content is cut off or damaged.
    """
    try:
        return loads(data)
    except (ValueError, RecursionError) as error:
        raise CtcbenchError(f"{path}: damaged or cut off ({error})") from error


def parse_object(data: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON object in the content of a file; `path` names it in errors.

    Raises:
        CtcbenchError: the content is damaged, or something else than an object.
    """
    document = parse_json(data, path)
    if not isinstance(document, dict):
        raise CtcbenchError(f"{path}: expected a JSON object")
    return document


def loads(data: bytes) -> Any:
    """Return a JSON document (UTF-8) with the strictness of `parse_json`.

    Raises:
        ValueError: it is damaged, has a name twice, or a number that is not finite.
        RecursionError: it is nested too deeply.
    """
    return json.loads(
        data.decode(),
        object_pairs_hook=_unique,
        parse_float=_finite,
        parse_constant=_refuse_constant,
    )


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    # Which of two values counts would depend on the reader.
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"{counts.most_common(1)[0][0][:40]!r} appears twice")
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is not a finite number")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a finite number")

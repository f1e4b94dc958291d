"""A list of labels as JSON: an object of names and labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import UsageError

_SHAPE = (
    'a list of labels in JSON is {"name.png": "label", …}; convert others to CSV with the header file,label'
)


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in their order; a name may be repeated."""


def json_pairs(path: Path, content: str) -> list[tuple[str, str]]:
    """Return the names and labels of a JSON object ``{name: label}``, repeated names included.

    Raises:
        UsageError: `content` is not JSON (the line is named), or not an object of texts.
    """
    try:
        # Pairs instead of a dict, which would keep only the last of several labels of one name.
        document = json.loads(content, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: is not JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or deep nesting
        raise UsageError(f"{path}: can't be read as JSON ({error})") from None
    if not isinstance(document, _Pairs):
        raise UsageError(f"{path}: is not an object; {_SHAPE}")
    for name, value in document:
        if not isinstance(value, str):
            raise UsageError(f"{path}: the label of {name!r} is not a text in quotes; {_SHAPE}")
    return document

"""Lists of labels in JSON Lines: an object for each picture, as image folders of Hugging Face have them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ctcbench.builtin.labelling.list_columns import WantedColumns, find_columns
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.json_files import loads

ENDINGS = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class ObjectKeys:
    """The keys of the objects that are read, of `titles`; None for a split or a group that there is not."""

    name: str
    text: str
    split: str | None
    group: str | None
    titles: tuple[str, ...]


def find_keys(where: str, line: str, wanted: WantedColumns) -> ObjectKeys:
    """Return the keys of the objects of a list, which are those of its first one.

    Args:
        where: the first line, for errors.
        line: that line.
        wanted: the keys that the user chose; the others are found like the titles of a table.

    Raises:
        UsageError: the line is no object, or it has not the keys.
    """
    try:
        titles = tuple(_object(line))
    except BadSample as error:
        raise UsageError(f"{where}: {error}; a list in JSON Lines has an object in each line") from None
    columns = find_columns(where, titles, wanted)
    if columns is None:
        listed = ", ".join(map(repr, titles)) or "none"
        raise UsageError(
            f"{where}: lacks a key of the names of pictures, or one of the labels (keys: {listed}); "
            f"call them file_name and text, or name them with image= and label= of dataset csv"
        )
    split, group = (None if at is None else titles[at] for at in (columns.split, columns.group))
    return ObjectKeys(titles[columns.name], titles[columns.text], split, group, titles)


def read_cells(line: str, keys: ObjectKeys) -> tuple[str, str | BadSample, str | None, str | None]:
    """Return the name, the label, the split and the group of a line.

    In place of a label that is missing or no text there is the error: such a line keeps its name and split.

    Raises:
        BadSample: the line is no object, or another value is missing or no text.
    """
    found = _object(line)
    name = _text(found, keys.name)
    split, group = (None if key is None else _text(found, key) for key in (keys.split, keys.group))
    try:
        return name, _text(found, keys.text), split, group
    except BadSample as error:
        return name, error, split, group


def _object(line: str) -> dict[str, Any]:
    try:
        found = loads(line.encode())
    except json.JSONDecodeError as error:
        raise BadSample(f"the line is not JSON ({error.msg} at character {error.pos + 1})") from None
    except (ValueError, RecursionError) as error:  # a key twice, a number that is not finite, deep nesting
        raise BadSample(f"the line can't be read as JSON ({error})") from None
    if not isinstance(found, dict):
        raise BadSample("the line is JSON, but no object {…}")
    return found


def _text(found: Mapping[str, Any], key: str) -> str:
    if key not in found:
        raise BadSample(f"the object has no key {key!r}")
    value = found[key]
    if not isinstance(value, str):
        raise BadSample(f"its {key!r} is {'null' if value is None else 'not a text in quotes'}")
    return value

"""Bounds of pydantic fields and errors of pydantic, in the words of messages and of the help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ctcbench.contract.word_lists import join_words

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
# pydantic's messages are long ("unable to parse string as an integer"), and call whole numbers integers.
_REASONS = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "not a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "not a number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "neither true nor false"),
    "finite_number": "not a finite number",
}
# Those that would only repeat what the message lists as allowed.
_SHORT_REASONS = {
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal"), "out of bounds"),
    "literal_error": "not one of the choices",
}


def describe_bounds(field_info: FieldInfo | None) -> str:
    """Return the bounds of a pydantic field in words."""
    if field_info is None:
        return ""
    # pydantic turns the arguments of Field into objects of annotated-types, one for each bound.
    limits = {
        name: getattr(meta, name)
        for meta in field_info.metadata
        for name in ("ge", "gt", "le", "lt", "pattern", "min_length", "max_length")
        if getattr(meta, name, None) is not None
    }
    if "ge" in limits and "le" in limits:
        return f"{limits['ge']} to {limits['le']}"
    words = {**_BOUNDS, "pattern": "like"}
    return join_words(f"{words[name]} {limit}" for name, limit in limits.items() if name in words)


def explain(error: Any, *, allowed: str = "") -> str:
    """Return the first reason of a pydantic error, in lower case, for use inside of a message.

    If the rest of the message lists what is `allowed`, the reason does not repeat it.
    """
    first = error.errors()[0]
    known = _REASONS | (_SHORT_REASONS if allowed else {})
    if first["type"] in known:
        return known[first["type"]]
    if crossed := [
        f"{_BOUNDS[name]} {limit}" for name, limit in first.get("ctx", {}).items() if name in _BOUNDS
    ]:
        return f"must be {crossed[0]}"
    message = str(first["msg"]).removeprefix("Value error, ")
    message = re.sub("^Input should ", "must ", message).removeprefix("Input ")
    return message[:1].lower() + message[1:]

"""config.toml of a run folder: flat settings as TOML, read back to the same values and types."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.toml_documents import fits_toml, parse_toml

Setting = str | int | float | bool


def to_toml(settings: Mapping[str, Setting | None]) -> str:
    """Return `settings` as a TOML document, one line a setting, in their order.

    TOML has no null: a setting that is None is left out.

    Raises:
        UsageError: a number is not finite, a text is not Unicode, or a value has another type.
    """
    return tomli_w.dumps({key: _checked(key, value) for key, value in settings.items() if value is not None})


def parse_settings(data: bytes, path: Path) -> dict[str, Setting]:
    """Return the flat settings in the content of a file; `path` names it in errors.

    Raises:
        CtcbenchError: the content is damaged, or holds tables, lists, dates, NaN or infinity.
    """
    try:
        settings = parse_toml(data.decode())
    except ValueError as error:
        raise CtcbenchError(f"{path}: damaged or cut off ({error})") from error
    for key, value in settings.items():
        if not isinstance(value, str | int | float | bool):
            raise CtcbenchError(f"{path}: {key}: expected text, a number, true or false")
        if isinstance(value, float) and not math.isfinite(value):
            raise CtcbenchError(f"{path}: {key} = {value}: expected a finite number")
    return settings


def _checked(key: str, value: Setting) -> Setting:
    """Return a value as one of Python's own types; numpy's subclasses are converted."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not fits_toml(value):
            raise UsageError(f"{key}: expected an integer of at most 64 bits, not {value.bit_length()} bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UsageError(f"{key} = {value}: expected a finite number")
        return float(value)
    if not isinstance(value, str):
        raise UsageError(f"{key}: a setting is text, a number, true or false, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{key!r}: {value!r} is not Unicode text and can't be stored") from None
    return value

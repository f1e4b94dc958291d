"""config.toml: flat settings written as TOML and read back to the same values."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ctcbench.contract.errors import CtcbenchError, UsageError

Setting = str | int | float | bool

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def to_toml(settings: Mapping[str, Setting | None]) -> str:
    """Return `settings` as TOML, a line each, in their order; TOML has no null, so None is left out.

    Raises:
        UsageError: a number that is not finite, a text that is not Unicode, or a value of another type.
    """
    return "".join(f"{_key(k)} = {_value(k, v)}\n" for k, v in settings.items() if v is not None)


def read_toml(path: Path) -> dict[str, Setting]:
    """Return the flat settings in `path`.

    Raises:
        CtcbenchError: the file can't be read, is damaged, or holds something other than plain settings.
    """
    try:
        settings = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise CtcbenchError(f"{path}: can't be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise CtcbenchError(f"{path}: damaged or cut off ({error})") from error
    for key, value in settings.items():
        if not isinstance(value, str | int | float | bool):
            raise CtcbenchError(f"{path}: {key}: expected text, a number, true or false")
        if isinstance(value, float) and not math.isfinite(value):
            raise CtcbenchError(f"{path}: {key} = {value}: expected a finite number")
    return settings


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key, key)


def _value(key: str, value: Setting | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UsageError(f"{key} = {value}: expected a finite number")
        return float.__repr__(value)  # numpy's own repr would say np.float64(…)
    if isinstance(value, str):
        return _text(key, value)
    raise UsageError(f"{key}: a setting is text, a number, true or false, not {type(value).__name__}")


def _text(key: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{key!r}: {text!r} is not Unicode text and can't be stored") from None
    return (
        '"' + re.sub(r'[\\"\x00-\x1f\x7f]', lambda m: _ESCAPES.get(m[0], f"\\u{ord(m[0]):04X}"), text) + '"'
    )

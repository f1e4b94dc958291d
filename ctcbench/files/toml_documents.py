"""TOML files that the user writes: read in any of the forms that editors save, refused with a reason."""

from __future__ import annotations

import io
import re
import tomllib
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import UsageError
from ctcbench.files.plain_files import MIB, read_named_file
from ctcbench.files.sealed_folder import SealedFolder

RUN_SETTINGS = "config.toml"  # of a run folder
_LONGEST_CORRECTED = 1_000  # characters of a line


def fits_toml(number: int) -> bool:
    """Return whether TOML can hold an integer: it has 64 bits there."""
    return -(2**63) <= number < 2**63


def read_toml_document(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file, without a byte order mark, and the document in it.

    The settings of a finished run are compared with the manifest of its folder.

    Raises:
        UsageError: the file can't be read, is not a plain file, or is not TOML in UTF-8; the message names
            the file.
        CtcbenchError: it belongs to a finished run and was changed since.
    """
    data = read_named_file(path, MIB)
    if path.name == RUN_SETTINGS:  # any other file may lie beside a manifest.json of another program
        SealedFolder(path.parent).require_unchanged(path.name, data)
    text = ""
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig").read()  # any line breaks become \n
        return text, parse_toml(text)
    except ValueError as error:  # UnicodeDecodeError is one
        raise UsageError(f"{path}: not TOML: {error}{_correction(text, str(error))}") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Return the document of a TOML text.

    Raises:
        ValueError: the text is not TOML, is nested too deeply, or has an integer of more than 64 bits.
    """
    try:
        document = tomllib.loads(text)
        too_large = _find_too_large(document, "")
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError("arrays or tables are nested too deeply") from None
    except ValueError:  # Python converts at most 4,300 decimal digits
        raise ValueError("an integer of thousands of digits; at most 64 bits are allowed") from None
    if too_large:
        raise ValueError(f"{too_large} is an integer of more than 64 bits")
    return document


def _correction(text: str, reason: str) -> str:
    """Return how a line that is not TOML is written: quotes, the equals sign, a number, true or false.

    An empty text if that is not known, or if the line itself is right, as a second one of the same name.
    """
    at = re.search(r"at line (\d+)", reason)
    line = text.split("\n")[int(at[1]) - 1].strip() if at else ""
    if len(line) > _LONGEST_CORRECTED:
        return ""
    found = re.fullmatch(r"([A-Za-z_]+)\s*[=:]\s*([^\s\"'\[{#][^\"']*)", line)
    if not found or _is_toml(line):
        return ""
    name, value = found[1], found[2].strip()
    if value.lower() in ("true", "false"):
        values = [value.lower()]
    elif number := re.fullmatch(r"([+-]?)0*(\d*)(?:[.,](\d+))?", value):
        sign, whole, decimals = number.groups()
        values = [f"{sign}{whole or 0}{'.' if decimals else ''}{decimals or ''}"]
    else:
        values = [value, f'"{value}"']
    written = (f"{name} = {one}" for one in values)
    return next((f"; did you mean {one}" for one in written if _is_toml(one)), "")


def _is_toml(text: str) -> bool:
    try:
        parse_toml(text)
    except ValueError:
        return False
    return True


def _find_too_large(value: Any, key: str) -> str:
    """Return the key of the first integer of more than 64 bits, or an empty text."""
    # A hexadecimal integer has no limit in Python, but printing one of more than 4,300 digits is an error.
    if isinstance(value, dict):
        inner = [(f"{key}.{name}" if key else name, one) for name, one in value.items()]
    elif isinstance(value, list):
        inner = [(key, one) for one in value]
    else:
        return key if isinstance(value, int) and not fits_toml(value) else ""
    return next(filter(None, (_find_too_large(one, name) for name, one in inner)), "")

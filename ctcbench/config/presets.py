"""Presets and other TOML files of settings: found, read, and checked key by key."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ctcbench.config.legacy_settings import translate_settings, unknown_setting
from ctcbench.contract.errors import UsageError, nearest

PRESETS = Path(__file__).parent / "presets"
STUDIES = Path(__file__).parent / "studies"
DEFAULT = "default"


def preset_names() -> list[str]:
    """Return the names of the presets that ship."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def read_preset(name: str, known: Collection[str]) -> dict[str, Any]:
    """Return the settings of a preset.

    Raises:
        UsageError: there is none of that name.
    """
    names = preset_names()
    listed = ", ".join(names)
    if name not in names and (STUDIES / f"{name}.toml").is_file():
        raise UsageError(f"no preset {name!r}, but a study: `ctcbench ablate {name}` (presets: {listed})")
    if name not in names:
        raise UsageError(f"no preset {name!r}{nearest(name, names)} (there are: {listed})")
    return read_settings(PRESETS / f"{name}.toml", known)


def read_settings(path: Path, known: Collection[str]) -> dict[str, Any]:
    """Return the settings in a TOML file.

    Raises:
        UsageError: the file can't be read, is no TOML, or has a key that is not in `known`;
            names the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        settings = translate_settings(tomllib.loads(text))
    except OSError as error:
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError both
        raise UsageError(f"{path}: not TOML: {error}") from None
    for key, value in settings.items():
        if key not in known:
            raise UsageError(f"{path}, line {line_of([key], text)}: {unknown_setting(key, known)}")
        if isinstance(value, dict | list):
            raise UsageError(f"{path}, line {line_of([key], text)}: {key} must be one plain value")
    return settings


@functools.cache
def _default_settings() -> dict[str, Any]:
    return tomllib.loads((PRESETS / f"{DEFAULT}.toml").read_text(encoding="utf-8"))


def default_component(kind: str) -> str:
    """Return the component string that a kind has where nobody names one: the default preset's."""
    return str(_default_settings()[kind])


# `[table]` or `[[table]]`, and `key =`; dotted and quoted as it may be.
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]=,]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNED = re.compile(r"\s*([^\s\[\]{}#=][^\[\]{}#=]*?)\s*=")


def line_of(path: Sequence[str], text: str, number: int = 1) -> int:
    """Return the number of the line of a TOML text on which a key stands.

    `path` leads to the key from the top: ``("axes", "lr")`` is ``lr`` under ``[axes]``; of tables headed
    ``[[include]]``, the one that is meant is the `number`-th. Where the key is not found, its table's line
    is the answer, and else 1.
    """
    wanted, table = list(path), list[str]()
    tables, depth_found, found = 0, 0, 1
    for line, words in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(words):
            here = table = _parts(header[2])
            tables += header[1] == "[[" and table == wanted[:1]
        elif assigned := _ASSIGNED.match(words):
            here = [*table, *_parts(assigned[1])]
        else:
            continue
        depth = next((n for n in range(len(wanted), 0, -1) if here[:n] == wanted[:n]), 0)
        if depth > depth_found and tables in (0, number):
            depth_found, found = depth, line
    return found


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]

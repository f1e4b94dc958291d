"""Presets and other TOML files of settings: finding, reading and checking them."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ctcbench.config.legacy_settings import translate_settings, unknown_setting
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.files.toml_documents import read_toml_document

PRESETS = Path(__file__).parent / "presets"
STUDIES = Path(__file__).parent / "studies"
DEFAULT = "default"


def preset_names() -> list[str]:
    """Return the names of the built-in presets, sorted."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def gpu_preset(name: str) -> str:
    """Return the name of the preset for a GPU that belongs to a preset, empty if there is none."""
    return f"{name}-gpu" if f"{name}-gpu" in preset_names() else ""


def read_preset(name: str, known: Collection[str]) -> dict[str, Any]:
    """Return the settings of a preset; `known` are the names of all settings.

    Raises:
        UsageError: there is no preset of that name; the message lists the existing ones.
    """
    names = preset_names()
    listed = ", ".join(names)
    if name not in names and (STUDIES / f"{name}.toml").is_file():
        raise UsageError(f"no preset {name!r}; it is a study: `ctcbench ablate {name}` (presets: {listed})")
    if name not in names:
        raise UsageError(f"no preset {name!r}{nearest(name, names)} (there are: {listed})")
    return read_settings(PRESETS / f"{name}.toml", known)


def read_settings(path: Path, known: Collection[str]) -> dict[str, Any]:
    """Return the settings in a TOML file; ``config.toml`` of a run folder is one.

    Raises:
        UsageError: the file can't be read, is not TOML, or has a key that is not in `known`; the message
            names the file and the line.
    """
    text, document = read_toml_document(path)
    settings = translate_settings(document)
    for key, value in settings.items():
        if key not in known:
            raise UsageError(f"{path}, line {line_of([key], text)}: {unknown_setting(key, known)}")
        if isinstance(value, dict | list):
            raise UsageError(f"{path}, line {line_of([key], text)}: {key} must be one plain value")
    return settings


@functools.cache
def _default_settings() -> dict[str, Any]:
    return read_toml_document(PRESETS / f"{DEFAULT}.toml")[1]


def default_component(kind: str) -> str:
    """Return the component string of a kind in the preset ``default``."""
    return str(_default_settings()[kind])


# tomllib does not return the line of a key, so that errors need a search in the text.
# Matches `[table]` and `[[table]]`, and `key =`; names may be dotted or quoted.
# Of a stripped line, and without two parts that match the same spaces: a line may have a million of them.
_HEADER = re.compile(r"(\[\[?)([^\[\]=,]+)\]\]?\s*(?:#.*)?$")
_ASSIGNED = re.compile(r"([^\s\[\]{}#=][^\[\]{}#=]*)=")


def line_of(path: Sequence[str], text: str, number: int = 1) -> int:
    """Return the number of the line that holds a key of a TOML text, counted from 1.

    Args:
        path: names from the top level to the key: ``("axes", "lr")`` is ``lr`` in the table ``[axes]``.
        text: the TOML document.
        number: which of several tables with one header, such as ``[[include]]``, counted from 1.

    Returns:
        The line of the key; if it is not found, the line of its table, or 1.
    """
    wanted, table = list(path), list[str]()
    tables, depth_found, found = 0, 0, 1
    for line, words in enumerate(text.splitlines(), start=1):
        words = words.strip()
        if header := _HEADER.match(words):
            here = table = _parts(header[2])
            tables += header[1] == "[[" and table == wanted[:1]
        elif assigned := _ASSIGNED.match(words):
            here = [*table, *_parts(assigned[1])]
        else:
            continue
        depth = next((n for n in range(len(wanted), 0, -1) if here[:n] == wanted[:n]), 0)
        # The first line that matches the most names; of several [[include]] tables, in the right one only.
        if depth > depth_found and tables in (0, number):
            depth_found, found = depth, line
    return found


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]

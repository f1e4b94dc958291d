"""Presets and other TOML files of settings: found, read, and checked key by key."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

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
        settings = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError both
        raise UsageError(f"{path}: not TOML: {error}") from None
    for key, value in settings.items():
        if key not in known:
            raise UsageError(
                f"{path}, line {line_of(key, text)}: no setting {key!r}{nearest(key, known)} "
                f"(settings: {', '.join(known)})"
            )
        if isinstance(value, dict | list):
            raise UsageError(f"{path}, line {line_of(key, text)}: {key} must be one plain value")
    return settings


@functools.cache
def _default_settings() -> dict[str, Any]:
    return tomllib.loads((PRESETS / f"{DEFAULT}.toml").read_text(encoding="utf-8"))


def default_component(kind: str) -> str:
    """Return the component string that a kind has where nobody names one: the default preset's."""
    return str(_default_settings()[kind])


def line_of(key: str, text: str) -> int:
    """Return the number of the line of a TOML text on which a key stands (1 where it is not found)."""
    pattern = re.compile(rf"^\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[\].=]", re.MULTILINE)
    found = pattern.search(text)
    return text.count("\n", 0, found.start(0) + len(found[0]) - len(found[0].lstrip())) + 1 if found else 1

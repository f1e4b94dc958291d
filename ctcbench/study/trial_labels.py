"""Labels of the configurations of a study, made of the settings that vary in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ctcbench.config.run_config import AFTER_TRAINING, COMPONENT_SETTINGS, setting_fields
from ctcbench.contract.options import show
from ctcbench.study.grid import GridEntry

PRESET = "preset"
_EMPTY = '""'


def varying_settings(entries: Sequence[GridEntry]) -> list[str]:
    """Return the settings that differ between configurations, in the order of the help.

    If presets or names differ, ``preset`` comes first, and settings that it determines are left out, and so
    are numbers that a budget chose: they follow from the other settings.
    """
    chosen = set.intersection(*(set(entry.budget.chosen if entry.budget else ()) for entry in entries))
    dumps = [(entry.name, entry.config.model_dump()) for entry in entries]
    names = [
        name for name in setting_fields() if name not in chosen and len({dump[name] for _, dump in dumps}) > 1
    ]
    presets = {preset for preset, _ in dumps}
    if len(presets) == 1:
        return names
    # A preset determines a setting if each preset has it at one value only.
    free = [name for name in names if len({(preset, dump[name]) for preset, dump in dumps}) > len(presets)]
    return [PRESET, *free]


def entry_label(
    entry: GridEntry, names: Collection[str], *, without: Collection[str] = AFTER_TRAINING
) -> str:
    """Return the label of a configuration: component strings, ``lr=0.01``, ``seed 3``."""
    # A study of one model varies nothing, and its row still needs a label.
    chosen = [name for name in names if name not in without]
    if not entry.config.extra_dataset:
        chosen = [name for name in chosen if name != "extra_share"]
    return " ".join(_word(entry, name) for name in chosen or ("backbone", "head"))


def _word(entry: GridEntry, name: str) -> str:
    if name == PRESET:
        return entry.name
    value = getattr(entry.config, name)
    if name in COMPONENT_SETTINGS:
        return show(value)
    if name == "seed":
        return f"seed {value}"
    # An empty setting is written "", so that it is seen.
    return f"{name}={show(value) or _EMPTY}"

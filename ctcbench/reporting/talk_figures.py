"""The talk's figures (Cheliotis 2025), and which rows were run with the preset that they are of."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ctcbench.config.presets import preset_names, read_preset
from ctcbench.config.run_config import COMPONENT_SETTINGS, RunConfig, setting_fields
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.reporting.report_model import TalkFigure
from ctcbench.reporting.verdict import is_talks_data

FIGURES: Mapping[str, tuple[Mapping[str, float], str]] = {
    "talk-overfit1": ({"exact": 0.0}, "only blanks"),
    "talk-overfit2": ({}, "readable but wrong strings"),
    "talk-10k": ({"exact": 0.0010, "char_accuracy": 0.2794, "edit_distance": 3.22}, ""),
    "talk-final": ({"exact": 0.5306, "char_accuracy": 0.7974, "edit_distance": 0.76}, "on an A100"),
}
_SIZES = ("train_samples", "val_samples", "test_samples", "epochs", "max_steps")
# What says how a run is computed, where it begins, and where its images lie; not what is run.
_FREE = {
    "dataset", "seed", "device", "amp", "amp_dtype", "channels_last", "deterministic", "init_from",
    "skip_bad", "aux_weight",
}  # fmt: skip


def talk_figure(config: Mapping[str, Any]) -> TalkFigure | None:
    """Return what the talk reported for the preset that `config` is, scaled or not; else None."""
    if not is_talks_data(config):
        return None
    for name, (metrics, note) in FIGURES.items():
        preset = _preset(name)
        compared = [key for key in preset if key not in _FREE and key not in _SIZES]
        if preset and all(_same(key, config.get(key, preset[key]), preset[key]) for key in compared):
            scaled = ", ".join(
                f"{key} {preset[key]} → {config[key]}"
                for key in _SIZES
                if config.get(key, preset[key]) != preset[key]
            )
            return TalkFigure(name, metrics, note, scaled)
    return None


@functools.cache
def _preset(name: str) -> dict[str, Any]:
    if name not in preset_names():
        return {}
    return RunConfig(**read_preset(name, setting_fields())).model_dump()


def _same(key: str, ours: Any, theirs: Any) -> bool:
    if key not in COMPONENT_SETTINGS:
        return bool(ours == theirs)
    try:
        one, other = ComponentString.parse(str(ours)), ComponentString.parse(str(theirs))
    except UsageError:
        return False
    return one.name == other.name and _values(one) == _values(other)


def _values(component: ComponentString) -> dict[str, str | float]:
    """Return the options with numbers as numbers: a preset says 2 where a stored configuration says 2.0."""
    values: dict[str, str | float] = {}
    for option, text in component.options.items():
        try:
            values[option] = float(text)
        except ValueError:
            values[option] = text
    return values

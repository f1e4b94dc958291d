"""The results of the talk (Cheliotis 2025), and which rows were run with one of its presets."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ctcbench.config.presets import preset_names, read_preset
from ctcbench.config.run_config import COMPONENT_SETTINGS, RunConfig, setting_fields
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.reporting.report_model import TalkFigure

# By preset: the metrics that the talk reported, and its remark.
FIGURES: Mapping[str, tuple[Mapping[str, float], str]] = {
    "talk-overfit1": ({"exact": 0.0}, "only blanks"),
    "talk-overfit2": ({}, "readable but wrong strings"),
    "talk-10k": ({"exact": 0.0010, "char_accuracy": 0.2794, "edit_distance": 3.22}, ""),
    "talk-final": ({"exact": 0.5306, "char_accuracy": 0.7974, "edit_distance": 0.76}, "on an A100"),
}
TALK_EXACT = FIGURES["talk-final"][0]["exact"]
# The talk's data: the values of a captcha's options, where they are given.
_DATA_OPTIONS = {
    "width": "150", "height": "40", "length": "5", "alphabet": "alnum", "noise": "both", "fonts": "",
}  # fmt: skip
_SIZES = ("train_samples", "val_samples", "test_samples", "epochs", "max_steps")
# Settings that determine how a run is computed, what it starts from and where its images are, but not
# which experiment it is.
_IGNORED = {
    "dataset", "seed", "device", "amp", "amp_dtype", "channels_last", "deterministic", "init_from",
    "skip_bad", "aux_weight",
}  # fmt: skip


def is_talk_data(config: Mapping[str, Any]) -> bool:
    """Return whether a run read CAPTCHAs like the talk's: 150×40 pixels, five of 62 characters."""
    try:
        dataset = ComponentString.parse(str(config.get("dataset", "")))
    except UsageError:
        return False
    # An option that a run leaves out has its default, which is the talk's value.
    return dataset.name == "captcha" and all(
        dataset.options.get(name, value) == value for name, value in _DATA_OPTIONS.items()
    )


def talk_figure(config: Mapping[str, Any]) -> TalkFigure | None:
    """Return what the talk reported for the preset that `config` equals, except in size; None if none."""
    if not is_talk_data(config):
        return None
    # The presets differ in more than size, so at most one of them can match.
    for name, (metrics, note) in FIGURES.items():
        preset = _preset(name)
        # Settings that are newer than the result are missing in it; the preset's value stands for their
        # default.
        compared = [key for key in preset if key not in _IGNORED and key not in _SIZES]
        if preset and all(_is_same(key, config.get(key, preset[key]), preset[key]) for key in compared):
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


def _is_same(key: str, ours: Any, theirs: Any) -> bool:
    if key not in COMPONENT_SETTINGS:
        return bool(ours == theirs)
    try:
        one, other = ComponentString.parse(str(ours)), ComponentString.parse(str(theirs))
    except UsageError:
        return False
    return one.name == other.name and _values(one) == _values(other)


def _values(component: ComponentString) -> dict[str, str | float]:
    """Return the options with numbers as numbers: a preset has 2 where a stored configuration has 2.0."""
    values: dict[str, str | float] = {}
    for option, text in component.options.items():
        try:
            values[option] = float(text)
        except ValueError:
            values[option] = text
    return values

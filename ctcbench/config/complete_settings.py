"""Stored settings of a run in today's form: translated, with the settings that were added since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctcbench.config.legacy_settings import translate_settings
from ctcbench.config.run_config import AFTER_TRAINING, setting_fields
from ctcbench.config.train_key import ALWAYS_IN_KEY


def complete_settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a stored result or plan as this version writes them.

    A setting that did not exist when the document was written has its default, with which a run is what it
    was then. So results of several versions have the same settings, and can be compared.
    """
    translated = translate_settings(document)
    if not translated.keys() >= ALWAYS_IN_KEY:
        return translated  # a part of the settings, in which nothing is missing
    later = {
        name: field.get_default(call_default_factory=True)
        for name, field in setting_fields().items()
        if name not in ALWAYS_IN_KEY and name not in AFTER_TRAINING
    }
    return {**later, **translated}

"""Settings of earlier versions of ctcbench: how a stored document is translated, and what replaced each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.contract.options import show

# Settings that no longer exist: the setting to use instead, and an example of its value.
REPLACEMENTS = {
    "blank_penalty_at_decoding": ("decoder", "beam_cpp:blank_penalty=2"),
    "muon_scale": ("optimizer", "muon:scale=20"),
}


def translate_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run in today's form; those of this version are returned unchanged.

    Only complete documents are translated, which name every component: ``config.toml`` of a run folder,
    ``config`` of a stored result, the configurations of a study's plan.
    """
    translated = dict(settings)
    # Without the decoder the settings are a part, such as a preset file, and the decoder is unknown.
    if isinstance(decoder := settings.get("decoder"), str) and "blank_penalty_at_decoding" in settings:
        penalty = settings.get("blank_penalty", 0.0)
        if translated.pop("blank_penalty_at_decoding") is True and penalty:
            translated["decoder"] = _with_penalty(decoder, penalty)
    if "muon_scale" in settings and isinstance(settings.get("optimizer"), str):
        scale = translated.pop("muon_scale")
        # 20 was the default of the setting, and is the default of the option.
        if settings["optimizer"] == "muon" and scale != 20:
            translated["optimizer"] = f"muon:scale={show(scale)}"
    return translated


def unknown_setting(name: str, known: Collection[str]) -> str:
    """Return the error text for a setting that does not exist: what replaced it, or the nearest name."""
    if name in REPLACEMENTS:
        kind, example = REPLACEMENTS[name]
        return f"no setting {name!r} any more: it is an option of the {kind}: {example}"
    return f"no setting {name!r}{nearest(name, known)} (settings: {', '.join(known)})"


def removed_flag(flag: str, known: Collection[str]) -> str:
    """Return the error text for the flag of a setting that no longer exists, empty for any other flag.

    Args:
        flag: the flag as it was typed, such as ``--muon-scale``.
        known: the flags of the command; without the flag to use instead, the text is empty too.
    """
    name = flag.removeprefix("--").removeprefix("no-").replace("-", "_")
    kind, example = REPLACEMENTS.get(name, ("", ""))
    if f"--{kind}" not in known:
        return ""
    return f"no option {flag} any more: it is an option of the {kind}: --{kind} {example}"


def _with_penalty(decoder: str, penalty: Any) -> str:
    try:
        parsed = ComponentString.parse(decoder)
        # Earlier versions subtracted the setting first and the decoder's own option after it.
        total = float(parsed.options.get("blank_penalty", 0)) + float(penalty)
    except (UsageError, TypeError, ValueError, OverflowError):
        return decoder  # a damaged document; the reader of the settings reports it
    options = {**parsed.options, "blank_penalty": show(total)}
    return str(ComponentString(parsed.name, options))

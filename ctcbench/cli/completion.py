"""Shell completion of values, and require_choice() for values that must be one of a few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ctcbench.config.presets import preset_names
from ctcbench.contract.components import Kind
from ctcbench.contract.errors import CtcbenchError, UsageError, nearest


def complete_component(kind: str) -> Callable[[str], list[tuple[str, str]]]:
    """Return a completion function for components of a kind; it returns names with their summaries."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        # Each press of Tab starts the program; only the completion of components loads the plugins.
        from ctcbench.cli.installed_plugins import registry

        try:
            known = registry().components(_kind(kind))
        except CtcbenchError:
            return []  # completion must not print an error into the line being typed
        return [(name, component.summary) for name, component in known.items() if name.startswith(incomplete)]

    return complete


def complete_preset(incomplete: str) -> list[str]:
    """Return the presets whose names start with `incomplete`."""
    return [name for name in preset_names() if name.startswith(incomplete)]


def complete_choice(choices: Sequence[str]) -> Callable[[str], list[str]]:
    """Return a completion function for one of `choices`."""

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def require_choice(option: str, given: str, choices: Sequence[str]) -> str:
    """Return `given`, the value of `option`, if it is one of `choices`.

    Raises:
        UsageError: it is not; the message names the nearest choice.
    """
    if given not in choices:
        raise UsageError(f"{option} {given}: expected {', '.join(choices)}{nearest(given, choices)}")
    return given


def _kind(name: str) -> Kind:
    return name  # type: ignore[return-value]

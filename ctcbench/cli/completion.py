"""What the shell offers after a flag, and words that must be one of a few."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ctcbench.config.presets import preset_names
from ctcbench.contract.components import Kind
from ctcbench.contract.errors import CtcbenchError, UsageError, nearest


def complete_component(kind: str) -> Callable[[str], list[tuple[str, str]]]:
    """Return what completes a component of a kind: its name, its summary beside it."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        from ctcbench.cli.installed_plugins import registry

        try:
            known = registry().components(_kind(kind))
        except CtcbenchError:
            return []  # a shell in the middle of a line is no place for an error
        return [(name, component.summary) for name, component in known.items() if name.startswith(incomplete)]

    return complete


def complete_preset(incomplete: str) -> list[str]:
    """Return the presets whose names begin so."""
    return [name for name in preset_names() if name.startswith(incomplete)]


def complete_choice(choices: Sequence[str]) -> Callable[[str], list[str]]:
    """Return what completes one of a few words."""

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def one_of(option: str, given: str, choices: Sequence[str]) -> str:
    """Return `given`, which must be one of `choices`.

    Raises:
        UsageError: it is not; says the nearest.
    """
    if given not in choices:
        raise UsageError(f"{option} {given}: expected {', '.join(choices)}{nearest(given, choices)}")
    return given


def _kind(name: str) -> Kind:
    return name  # type: ignore[return-value]

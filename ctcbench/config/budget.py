"""Budget: how long a training may take, from which a run's numbers of images and epochs are chosen."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from ctcbench.config.run_config import RunConfig, flag
from ctcbench.config.train_key import KEY_LENGTH, train_key
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show
from ctcbench.contract.word_lists import join_words
from ctcbench.registry.component_registry import Registry

# The settings that a budget chooses. Without `max_steps`, they decide the number of steps.
CHOSEN_SETTINGS = ("train_samples", "epochs")
ALLOWED = "a number with s, m or h, such as 90s, 2m or 1.5h"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_NUMBER = 10**12  # with which an error shows how a unit is written
_LONGEST_SECONDS = 1000 * _UNITS["h"]


@dataclass(frozen=True)
class Budget:
    """The duration of a training, and the number that the user fixed.

    Attributes:
        text: the duration as it was given, for messages.
        seconds: the duration.
        fixed: the one of `CHOSEN_SETTINGS` that the user gave, so that only the other is chosen; None: both
            are chosen.
    """

    text: str
    seconds: float
    fixed: str | None = None

    @property
    def chosen(self) -> tuple[str, ...]:
        """The settings that are chosen."""
        return tuple(name for name in CHOSEN_SETTINGS if name != self.fixed)

    def require_fitting(self, config: RunConfig, place: Callable[[str], str] = flag) -> None:
        """Check that no setting of `config` contradicts the budget; `place` is as in `make_budget`.

        Raises:
            UsageError: ``max_steps`` is set.
        """
        if config.max_steps:
            steps = place("max_steps")
            raise UsageError(
                f"{place('budget')} {self.text} and {steps} {config.max_steps}: both decide when training "
                f"ends; give one of them ({steps} 0 is none)"
            )

    def digest(self, registry: Registry, config: RunConfig) -> str:
        """Return a digest of the budget and the settings that decide the weights, without the chosen ones.

        Raises:
            UsageError: ``init_from`` names no run with weights.
        """
        without = config.replace(**dict.fromkeys(self.chosen, 1))
        parts = [train_key(registry, without), self.seconds, list(self.chosen)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:KEY_LENGTH]


def make_budget(text: str, given: Collection[str] = (), place: Callable[[str], str] = flag) -> Budget:
    """Return the budget of a run or a configuration.

    Args:
        text: the duration, such as ``90s``, ``2m`` or ``1.5h``.
        given: names of the settings that the user gave for this run; those of `CHOSEN_SETTINGS` are kept.
        place: returns where the user wrote a setting, for errors.

    Raises:
        UsageError: the duration is wrong, or both of `CHOSEN_SETTINGS` are given.
    """
    seconds = read_duration(text)
    fixed = [name for name in CHOSEN_SETTINGS if name in given]
    if len(fixed) > 1:
        raise UsageError(
            f"{place('budget')} {text} with {join_words(map(place, fixed))}: these decide the length of the "
            f"training already; drop {place('budget')}, or one of the two, which the budget then chooses"
        )
    return Budget(text, seconds, fixed[0] if fixed else None)


def read_duration(given: Any) -> float:
    """Return a duration such as ``90s``, ``2m`` or ``1.5h`` in seconds.

    Raises:
        UsageError: it has no unit or another one, or is not above 0 and at most 1000h.
    """
    wrong = f"--budget {show(given)}: "
    number, unit = _split(given)
    if not unit:
        positive = number and float(number) > 0
        raise UsageError(
            wrong
            + (f"no unit; write {number}s, {number}m or {number}h" if positive else f"expected {ALLOWED}")
        )
    seconds = float(number) * _UNITS[unit]
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise UsageError(f"{wrong}must be longer than 0s and at most 1000h ({ALLOWED})")
    return seconds


def rough_duration(seconds: float) -> str:
    """Return an estimated duration as ``90 s``, ``5 min`` or ``2.5 h``."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _split(given: Any) -> tuple[str, str]:
    """Return a number and its unit; the unit is empty where there is none, and so are both of other texts."""
    # TOML and Python can give a number; true is one in Python.
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given <= _LONGEST_NUMBER:
        return str(given), ""
    found = re.fullmatch(r"\s*([+-]?\d{1,12}(?:\.\d{1,12})?)\s*([smh]?)\s*", str(given), re.ASCII)
    return (found[1], found[2]) if found and isinstance(given, str) else ("", "")

"""The settings that are component strings: the kind of each, and their canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctcbench.config.run_config import COMPONENT_SETTINGS, flag
from ctcbench.contract.components import Kind
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show
from ctcbench.registry.component_registry import Registry

# Most settings of a component are called like its kind.
COMPONENT_KINDS: Mapping[str, Kind] = {
    **{kind: kind for kind in COMPONENT_SETTINGS},
    "extra_dataset": "dataset",
}
_MAY_BE_EMPTY = ("extra_dataset",)


def canonical_value(registry: Registry, name: str, value: Any, *, every: bool = False) -> Any:
    """Return the value of a setting, a component string in its canonical form.

    Options at their default value are left out; with `every`, only those that were added later are.

    Raises:
        UsageError: there is no such component, or an option of it is wrong.
    """
    kind = COMPONENT_KINDS.get(name)
    if kind is None or (value == "" and name in _MAY_BE_EMPTY):
        return value
    if not isinstance(value, str):
        raise UsageError(f"{flag(name)} {show(value)}: expected the name of a component")
    try:
        return registry.resolve(kind, value, every=every)
    except UsageError as error:
        # The message begins with the kind.
        raise error if name == kind else UsageError(f"{flag(name)}: {error}") from None

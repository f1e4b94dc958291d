"""Data set components, built and checked."""

from __future__ import annotations

from dataclasses import dataclass

from ctcbench.contract.data import Source
from ctcbench.registry.component_checks import require_source
from ctcbench.registry.component_registry import Registry


@dataclass(frozen=True)
class BuiltDataset:
    """A data set component that is built: its component string, its plugin's name, its source of samples."""

    # Worker processes build the component again from the string, so that a source need not be picklable.
    text: str
    # Part of the key in the cache: two plugins may have data sets of one name.
    owner: str
    source: Source

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences of the source for the user, which a command shows once."""
        notices: tuple[str, ...] = getattr(self.source, "notices", ())
        return notices


def build_dataset(registry: Registry, text: str) -> BuiltDataset:
    """Build the data set that the component string `text` names.

    Raises:
        UsageError: there is no such data set, or an option of it is wrong.
        PluginError: the built object is not a `Source`; the message names the part of the contract that
            it breaks.
    """
    source = build_source(registry, text)
    component = registry.get("dataset", text.partition(":")[0].strip())
    return BuiltDataset(text, registry.owner(component).owner, source)


def build_source(registry: Registry, text: str) -> Source:
    """Build a data set and return its source alone.

    Raises:
        UsageError, PluginError: as `build_dataset`.
    """
    source: Source = registry.build("dataset", text)
    require_source(registry.describe_owner("dataset", text), source)
    return source

"""Data set components, built and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from ctcbench.contract.data import Source
from ctcbench.contract.errors import PluginError
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.files.pictures import Fit
from ctcbench.registry.component_registry import Registry


@dataclass(frozen=True)
class BuiltDataset:
    """A data set component that is built: its component string, its plugin's name, its source of samples.

    Worker processes build the component again from ``text``; ``owner`` is part of the key in the cache.
    """

    text: str
    owner: str
    source: Source


def build_dataset(registry: Registry, text: str) -> BuiltDataset:
    """Build the data set that the component string `text` names.

    Raises:
        UsageError: there is no such data set, or an option of it is wrong.
        PluginError: the built object is not a `Source`; the message says which part of the contract it
            breaks.
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
    if wrong := _what_is_wrong(source):
        raise PluginError(f"{registry.describe_owner('dataset', text)}: {wrong}")
    return source


def _what_is_wrong(source: Source) -> str:
    image, alphabet = getattr(source, "image", None), getattr(source, "alphabet", None)
    if not isinstance(image, ImageSpec):
        return f"its image is {image!r}, not an ImageSpec"
    if image.channels not in (1, 3) or image.height < 1 or image.width < 1:
        return f"its {image}: pictures have 1 channel or 3, and at least a pixel"
    if not isinstance(alphabet, Alphabet):
        return f"its alphabet is {alphabet!r}, not an Alphabet"
    if hasattr(source, "fit") and source.fit not in get_args(Fit):
        return f"its fit is {source.fit!r}; it must be one of {', '.join(get_args(Fit))}"
    missing = [one for one in ("size", "fingerprint", "describe", "draw") if not hasattr(source, one)]
    return f"it lacks the method {missing[0]}" if missing else ""

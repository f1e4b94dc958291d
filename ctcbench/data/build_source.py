"""A data set that was named, built and looked at before anything is asked of it."""

from __future__ import annotations

from typing import get_args

from ctcbench.contract.data import Source
from ctcbench.contract.errors import PluginError
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.files.pictures import Fit
from ctcbench.registry.component_registry import Registry


def build_source(registry: Registry, dataset: str) -> Source:
    """Build the data set that a component string names.

    Raises:
        UsageError: it is not there, or an option of it is wrong.
        PluginError: what was built is no source: names what is wrong with it.
    """
    source: Source = registry.build("dataset", dataset)
    if wrong := _what_is_wrong(source):
        raise PluginError(f"{registry.blame('dataset', dataset)}: {wrong}")
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

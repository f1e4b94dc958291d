"""Discovery of the installed plugins, by their entry points."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Sequence

from ctcbench.contract.errors import CtcbenchError, UsageError, nearest
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import BUILTIN, ENTRY_POINT_GROUP, Plugin


def load_registry(names: Sequence[str] | None = None) -> Registry:
    """Load the installed plugins: all, or the built-in one and those in `names`.

    `names` are names of entry points or distributions. The default is the environment variable
    CTCBENCH_PLUGINS (names separated by commas; empty: the built-in one alone), or all if it is not set.

    Raises:
        UsageError: a plugin in `names` is not installed.
        CtcbenchError: ctcbench itself has no entry points, because it is not installed as a package.
    """
    if names is None and (chosen := os.environ.get("CTCBENCH_PLUGINS")) is not None:
        names = [name.strip() for name in chosen.split(",") if name.strip()]
    # By name after the built-in one, so that the order does not depend on when a plugin was installed.
    points = sorted(
        importlib.metadata.entry_points(group=ENTRY_POINT_GROUP),
        key=lambda point: (point.name != BUILTIN, point.name),
    )
    known = [point.name for point in points]
    if BUILTIN not in known:
        raise CtcbenchError("ctcbench is not installed as a package: run `pip install -e .` in its folder")
    found = [Plugin.from_entry_point(point) for point in points]
    # Before any plugin is imported, because that executes its code.
    for name in names or ():
        if not any(name in (plugin.name, plugin.distribution) for plugin in found):
            allowed = ", ".join(known)
            raise UsageError(
                f"CTCBENCH_PLUGINS: no plugin {name!r}{nearest(name, known)} (there are: {allowed})"
            )
    plugins = []
    for point, plugin in zip(points, found, strict=True):
        if names is None or point.name == BUILTIN or {plugin.name, plugin.distribution} & {*names}:
            plugin.load(point)
            plugins.append(plugin)
    return Registry(tuple(plugins))

"""Attribution of errors: which plugin raised one, and where."""

from __future__ import annotations

import contextlib
import importlib.metadata
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ctcbench.contract.errors import CtcbenchError, PluginError
from ctcbench.processes.out_of_memory import is_out_of_memory
from ctcbench.registry.plugin import ENTRY_POINT_GROUP, Plugin


class PluginFrame(NamedTuple):
    """The code of a plugin that raised an error: its owner, and the file and line (``tall.py:12``)."""

    owner: str
    location: str


def find_plugin_frame(error: BaseException) -> PluginFrame | None:
    """Return the innermost frame of a plugin in the traceback of an error, None where there is none."""
    # From the metadata and not from a registry: an error can occur before one is loaded. By top-level
    # package, because any module of a plugin can raise.
    owners = {
        point.value.partition(":")[0].partition(".")[0]: Plugin.from_entry_point(point).owner
        for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    }
    # From the inside: if a plugin calls ctcbench and that calls another plugin, the other one raised.
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        # The built-in components are an entry point of ctcbench's own package, and their bugs are ctcbench's.
        if package in owners and package != __name__.partition(".")[0]:
            return PluginFrame(owners[package], f"{Path(frame.f_code.co_filename).name}:{line}")
    return None


@contextlib.contextmanager
def attribute_errors(what: str) -> Iterator[None]:
    """Raise every error of the body as a PluginError that begins with `what`.

    Errors of ctcbench are not changed, and neither is a lack of memory, which is no fault of the plugin.

    Raises:
        PluginError: the body raised any other exception, or SystemExit.
    """
    try:
        yield
    except CtcbenchError:  # has a message for the user already
        raise
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise
        found = find_plugin_frame(error)
        raise PluginError(f"{what}: {error!r}{f' ({found.location})' if found else ''}") from error

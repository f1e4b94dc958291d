"""require_package(): the error for a part whose package is not installed."""

from __future__ import annotations

import importlib
from types import ModuleType

from .user_errors import UsageError

# This folder is also built as the package `ctcbench_decoder` of the distribution ctcbench-decoder.
DISTRIBUTION = __name__.partition(".")[0].replace("_", "-")


def require_package(name: str, owner: str, extra: str) -> ModuleType:
    """Return a module that only one part needs, such as one data set.

    Raises:
        UsageError: it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        raise UsageError(
            f"{owner} needs the package {error.name}, which is not installed: "
            f"pip install '{DISTRIBUTION}[{extra}]'"
        ) from None

"""require_package(): the error for a format whose package is not installed."""

from __future__ import annotations

import importlib
from types import ModuleType

from ctcbench.contract.errors import UsageError


def require_package(name: str, owner: str, extra: str) -> ModuleType:
    """Return a module that only one data set needs.

    Raises:
        UsageError: it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        raise UsageError(
            f"{owner} needs the package {error.name}, which is not installed: pip install 'ctcbench[{extra}]'"
        ) from None

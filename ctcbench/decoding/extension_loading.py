"""load_extension(): a C++ extension, compared with the types that the Python sources expect of it."""

from __future__ import annotations

import importlib
import shlex
import sys
import zlib
from pathlib import Path
from types import ModuleType

from .user_errors import UsageError


def load_extension(package: str, name: str) -> ModuleType:
    """Return the extension module `name` of a package.

    A build stores the CRC-32 of ``<name>.pyi``, the types of what the module exports, in the module
    (``csrc/extension_building.py``). If the file beside it has another one, the sources have changed since
    the build, as after a ``git pull``: names would be missing, or arguments have another meaning.

    Raises:
        UsageError: the extension is not built for this Python, or from another version of the sources.
    """
    try:
        extension = importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{package}.{name}":
            raise
        raise UsageError(
            f"the C++ extension {package}.{name} is not built for Python "
            f"{sys.version_info.major}.{sys.version_info.minor}; build it: {_build_command(package)}"
        ) from None
    stub = Path(str(sys.modules[package].__file__)).with_name(f"{name}.pyi")
    # Without the file, as in a bundle that leaves types out, there is nothing to compare.
    if stub.is_file() and getattr(extension, "interface_stamp", None) != interface_stamp(stub):
        # Else `from package import name` would find the attribute that the import has set, unchecked.
        vars(sys.modules[package]).pop(name, None)
        raise UsageError(
            f"the C++ extension {package}.{name} was built from another version of the sources; "
            f"build it again: {_build_command(package)}"
        )
    return extension


def interface_stamp(stub: Path) -> int:
    """Return the CRC-32 of a file of types, the same for both kinds of line ends."""
    return zlib.crc32(stub.read_bytes().replace(b"\r\n", b"\n"))


def _build_command(package: str) -> str:
    distribution = package.partition(".")[0]
    root = Path(str(sys.modules[distribution].__file__)).absolute().parents[1]
    pip = [sys.executable, "-m", "pip", "install", "--no-deps"]
    if (root / "setup.py").is_file():
        return shlex.join([*pip, "--editable", str(root)])
    return shlex.join([*pip, "--force-reinstall", distribution.replace("_", "-")])

"""The optional packages for ONNX files: which are missing, and the error for it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words

EXPORT_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
INSTALL_ONNX = "pip install 'ctcbench[onnx]'"


def missing_onnx(packages: Sequence[str] = EXPORT_PACKAGES) -> list[str]:
    """Return the packages that are not installed; none is imported."""
    return [package for package in packages if find_spec(package) is None]


def require_onnx(*packages: str) -> None:
    """Check that packages of the extra ``onnx`` are installed; they are not imported.

    Raises:
        UsageError: one is not; the message has the command that installs them.
    """
    if missing := missing_onnx(packages):
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(
            f"ONNX files need {join_words(missing)}, which {verb} not installed: `{INSTALL_ONNX}`"
        )

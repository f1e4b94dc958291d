"""require_onnx(): the error for optional packages that are not installed."""

from __future__ import annotations

from importlib.util import find_spec

from ctcbench.contract.errors import UsageError


def require_onnx(*packages: str) -> None:
    """Check that packages of the extra ``onnx`` are installed; they are not imported.

    Raises:
        UsageError: one is not; the message has the command that installs them.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(
            f"ONNX files need {' and '.join(missing)}, which {verb} not installed: "
            "`pip install 'ctcbench[onnx]'`"
        )

"""require_export(): whether a run can be exported to a file, before the work."""

from __future__ import annotations

from pathlib import Path

from ctcbench.contract.errors import UsageError
from ctcbench.files.output_files import require_output
from ctcbench.recognition.onnx_packages import EXPORT_PACKAGES, require_onnx


def require_export(run: Path, path: Path) -> None:
    """Check that the packages for an export are installed, and that the file can be written.

    Args:
        run: the run folder; of its files the export replaces earlier exports alone.
        path: the file.

    Raises:
        UsageError: a package is missing, the file can't be written, or it is a file of the run.
    """
    require_onnx(*EXPORT_PACKAGES)
    inside = path.exists() and path.resolve().is_relative_to(run.resolve())
    if inside and path.is_file() and path.suffix.lower() != ".onnx":
        raise UsageError(
            f"{path}: is a file of the run; name another one to write, such as {run / 'model.onnx'}"
        )
    require_output(path)

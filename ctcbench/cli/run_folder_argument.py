"""The run folder or the exported recogniser that a command line names."""

from __future__ import annotations

from pathlib import Path

from ctcbench.contract.errors import UsageError
from ctcbench.results.run_folder import RunFolder


def named_recogniser(path: Path) -> RunFolder | None:
    """Return the run folder at `path`, or None if it is a file, which then is an exported recogniser.

    Raises:
        UsageError: there is neither a run folder nor a file.
    """
    if path.is_file():
        return None
    if path.suffix.lower() == ".onnx" and not path.exists():
        raise UsageError(f"{path}: no such file; `ctcbench export RUN {path}` writes one")
    return named_run(path)


def named_run(folder: Path) -> RunFolder:
    """Return the run folder at `folder`.

    Raises:
        UsageError: `folder` does not exist, or is not a run folder; the message lists the runs inside it.
    """
    run = RunFolder(folder)
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the run folder that `ctcbench run` printed")
    if not run.has(run.config_path):
        # A likely mistake: the folder given to --out, which contains the run folders.
        inside = sorted(path.parent.name for path in folder.glob("*/config.toml"))
        hint = (
            f"it contains the runs {', '.join(inside[:5])}"
            if inside
            else "give one that `ctcbench run` printed"
        )
        raise UsageError(f"{folder}: not a run folder (no config.toml); {hint}")
    return run

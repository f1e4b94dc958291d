"""require_weights(): whether a folder has the weights of a recogniser, and how to get them if not."""

from __future__ import annotations

from pathlib import Path

from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.files.shell_words import join_quoted
from ctcbench.results.run_folder import RunFolder

_USUAL_OUT = Path("runs")


def require_weights(folder: RunFolder) -> None:
    """Check that a folder is that of a run with weights, finished or not.

    Raises:
        UsageError: it is not; of a run that can be resumed, the message has the command.
    """
    if folder.path.is_dir() and folder.has(folder.config_path):
        if folder.has(folder.weights_path):
            return
        # A finished run keeps its checkpoint; there the file was lost.
        if folder.has(folder.checkpoint_path) and not folder.has(folder.summary_path):
            raise UsageError(
                f"{folder.path}: its training stopped before the first validation, so there are no weights "
                f"yet; resume it with: {_resume_command(folder)}"
            )
    lacking = "no such folder"
    if folder.path.is_dir():
        files = (folder.config_path, folder.weights_path)
        lacking = f"it has no {join_words((file.name for file in files if not folder.has(file)), 'and no')}"
    raise UsageError(f"{folder.path}: no trained run there ({lacking})")


def _resume_command(folder: RunFolder) -> str:
    words = ["ctcbench", "run", "--config", str(folder.config_path), "--resume"]
    out = folder.path.parent
    return join_quoted([*words, *([] if out == _USUAL_OUT else ["--out", str(out)])])

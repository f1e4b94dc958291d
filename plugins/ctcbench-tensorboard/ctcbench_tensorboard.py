"""A tracker: writes the metrics of each epoch and the result of a run for TensorBoard."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctcbench import EpochReport, RunInfo, UsageError, hookimpl

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

SWITCH = "CTCBENCH_TENSORBOARD"
_FOLDER = "tensorboard"
_LONGEST_NAME = 60
# Open between the hooks of a run, by its folder: one process may train several runs in turn.
_writers: dict[Path, SummaryWriter] = {}


@hookimpl
def ctcbench_run_started(run: RunInfo) -> None:
    """Open an event file of the run; a resumed run continues its curves in another file."""
    if not switched_on():
        return
    _close(run)
    folder = event_folder(run.folder)
    if not _has_finished_an_epoch(run.folder):
        # Curves of a run that was discarded (--fresh): TensorBoard would draw both over each other.
        shutil.rmtree(folder, ignore_errors=True)
    from torch.utils.tensorboard import SummaryWriter  # not at the top: --help must not import torch

    _writers[run.folder] = SummaryWriter(str(folder))


@hookimpl
def ctcbench_epoch_finished(run: RunInfo, epoch: EpochReport) -> None:
    """Write the metrics of an epoch, and flush them to disk."""
    writer = _writers.get(run.folder)
    if writer is None:
        return
    for name, value in epoch.figures.items():
        writer.add_scalar(scalar_name(name), value, epoch.step)
    writer.add_scalar("epoch", epoch.epoch, epoch.step)
    # TensorBoard shows a run while it trains, and a run that is killed keeps its curves.
    writer.flush()


@hookimpl
def ctcbench_run_finished(run: RunInfo, result: Mapping[str, Any]) -> None:
    """Write settings and scores for the tab HPARAMS, a line for each decoder."""
    _close(run)
    if not switched_on():
        return
    from torch.utils.tensorboard import SummaryWriter

    decoder = file_name(str(result["config"]["decoder"]))
    folder = event_folder(run.folder)
    shutil.rmtree(event_folder(folder, decoder), ignore_errors=True)  # of an earlier decoding
    settings = {name: _plain(value) for name, value in run.config.items()}
    scores = {f"test/{name}": float(value) for name, value in numbers(result["score"]).items()}
    costs = {f"cost/{name}": float(value) for name, value in numbers(result["cost"]).items()}
    with SummaryWriter(str(folder)) as writer:
        writer.add_hparams(
            {**settings, "decoder": result["config"]["decoder"]}, scores | costs, run_name=decoder
        )


def switched_on() -> bool:
    """Return whether event files are written; CTCBENCH_TENSORBOARD=off disables them.

    Raises:
        UsageError: the value of the variable is neither on nor off.
    """
    value = os.environ.get(SWITCH, "on").strip().lower()
    if value not in ("on", "off", "1", "0", ""):
        raise UsageError(f"{SWITCH}={value}: allowed are on and off")
    return value not in ("off", "0")


def event_folder(folder: Path, name: str = _FOLDER) -> Path:
    """Return the folder of event files below a run folder, which may be a stranger's.

    Raises:
        UsageError: it is a link, and would have files deleted and written elsewhere.
    """
    path = folder / name
    if path.is_symlink():
        raise UsageError(f"{path}: is a link; remove it, or disable this plugin with {SWITCH}=off")
    return path


def file_name(decoder: str) -> str:
    """Return a component string as a file name; one that is long or has other characters gets a hash."""
    # Such as colons, which file names can't have everywhere.
    name = re.sub(r"[^A-Za-z0-9._=-]+", "-", decoder)
    if len(name) <= _LONGEST_NAME and re.fullmatch(r"[A-Za-z0-9._=:-]*", decoder):
        return name
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(decoder.encode()).hexdigest()[:8]}"


def scalar_name(figure: str) -> str:
    """Return the tag of a metric; TensorBoard groups tags by the part before the slash (val/exact)."""
    return figure.replace("val_", "val/", 1) if figure.startswith("val_") else f"train/{figure}"


def numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the entries that are numbers, without booleans."""
    return {n: v for n, v in figures.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def _plain(value: Any) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _close(run: RunInfo) -> None:
    if writer := _writers.pop(run.folder, None):
        writer.close()


def _has_finished_an_epoch(folder: Path) -> bool:
    """Return whether the metrics file of the run has an epoch, so that this is a resumed run."""
    try:
        with (folder / "metrics.jsonl").open(encoding="utf-8") as lines:
            # A line without its end is one that is being written.
            return any(json.loads(line).get("kind") == "epoch" for line in lines if line.endswith("\n"))
    except (OSError, ValueError):
        return False

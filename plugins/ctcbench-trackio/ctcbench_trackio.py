"""A tracker: records the settings, the metrics of each epoch and the results of a run with trackio."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ctcbench import EpochReport, RunInfo, UsageError, hookimpl

if TYPE_CHECKING:
    from trackio import Run

SWITCH, PROJECT = "CTCBENCH_TRACKIO", "CTCBENCH_TRACKIO_PROJECT"
_REMOTE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")  # of trackio: where the user wants runs to be sent
_FOLDER = "run_folder"  # in the config of a run: by it and its name a run is found again
# Open between the hooks of a run, by its folder: one process may train several runs in turn.
_open: dict[Path, Run] = {}


@hookimpl
def ctcbench_run_started(run: RunInfo) -> None:
    """Create a run with all settings; a resumed run continues the existing one."""
    if not switched_on():
        return
    _close(run)
    is_resumed = _has_finished_an_epoch(run.folder)
    if not is_resumed:
        # Curves of a run that was discarded (--fresh) would be drawn over those of the new one.
        _delete(run, run.key)
    _open[run.folder] = _init(run, run.key)


@hookimpl
def ctcbench_epoch_finished(run: RunInfo, epoch: EpochReport) -> None:
    """Record the metrics of an epoch."""
    if (tracked := _open.get(run.folder)) is not None:
        figures = {metric_name(name): value for name, value in epoch.figures.items()}
        tracked.log({**figures, "epoch": epoch.epoch}, step=epoch.step)


@hookimpl
def ctcbench_run_finished(run: RunInfo, result: Mapping[str, Any]) -> None:
    """Record scores and cost of a result; those of another decoder than the run's in a run of their own."""
    if not switched_on():
        return
    _close(run)
    decoder = str(result["config"]["decoder"])
    if decoder == str(run.config.get("decoder")):
        tracked = _init(run, run.key)
    else:
        name = f"{run.key} {decoder}"
        _delete(run, name)  # of an earlier decoding
        tracked = _init(run, name, decoder=decoder)
    figures = {f"test/{name}": value for name, value in numbers(result["score"]).items()}
    figures |= {f"cost/{name}": value for name, value in numbers(result["cost"]).items()}
    tracked.log(figures, step=last_step(run, result))
    with _silence():
        tracked.finish()


def switched_on() -> bool:
    """Return whether runs are recorded; CTCBENCH_TRACKIO=off disables it.

    Raises:
        UsageError: the value of the variable is neither on nor off.
    """
    value = os.environ.get(SWITCH, "on").strip().lower()
    if value not in ("on", "off", "1", "0", ""):
        raise UsageError(f"{SWITCH}={value}: allowed are on and off")
    return value not in ("off", "0")


def project() -> str:
    """Return the name of the project."""
    return os.environ.get(PROJECT) or "ctcbench"


def metric_name(figure: str) -> str:
    """Return the name of a metric; trackio groups names by the part before the slash (val/exact)."""
    return figure.replace("val_", "val/", 1) if figure.startswith("val_") else f"train/{figure}"


def numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the entries that are numbers, without booleans."""
    return {n: v for n, v in figures.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def last_step(run: RunInfo, result: Mapping[str, Any]) -> int:
    """Return the last step of the training; a run that is decoded again has it in its result only."""
    training = result.get("provenance", {}).get("training") or {}
    return int(training.get("steps") or run.steps)


def _trackio() -> ModuleType:
    if not any(os.environ.get(name) for name in _REMOTE):
        # With a token of Hugging Face on this machine, trackio would ask the hub for the user's name.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import trackio  # not at the top: --help must not wait for it

    return trackio


def _init(run: RunInfo, name: str, **changed: Any) -> Run:
    """Return the run of this name; the existing one if there is one."""
    config = {**run.config, **changed, _FOLDER: str(run.folder.resolve())}
    with _silence():
        trackio = _trackio()
        # The load of the machine is not of the run: studies train several at once.
        tracked: Run = trackio.init(
            project(), name, group=run.key, config=config, resume="allow", embed=False,
            auto_log_cpu=False, auto_log_gpu=False,
        )  # fmt: skip
    # At exit trackio finishes its current run and prints that to standard output, behind the JSON document.
    # Registered after trackio's own functions, ours is called before them.
    trackio.context_vars.current_run.set(None)
    atexit.unregister(_finish_open)
    atexit.register(_finish_open)
    return tracked


def _delete(run: RunInfo, name: str) -> None:
    """Delete the runs of this name and run folder."""
    folder = str(run.folder.resolve())
    # It is an error for trackio that the project does not exist yet.
    with _silence(), contextlib.suppress(ValueError):
        for known in list(_trackio().Api().runs(project())):
            if known.name == name and (known.config or {}).get(_FOLDER) == folder:
                known.delete()


def _close(run: RunInfo) -> None:
    if tracked := _open.pop(run.folder, None):
        with _silence():
            tracked.finish()


def _finish_open() -> None:
    """Finish the runs whose training was stopped, so that what they logged is stored."""
    for folder in list(_open):
        with _silence():
            _open.pop(folder).finish()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    # trackio prints to standard output, where `ctcbench run --json` writes one document and nothing else.
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _has_finished_an_epoch(folder: Path) -> bool:
    """Return whether the metrics file of the run has an epoch, so that this is a resumed run."""
    try:
        with (folder / "metrics.jsonl").open(encoding="utf-8") as lines:
            # A line without its end is one that is being written.
            return any(json.loads(line).get("kind") == "epoch" for line in lines if line.endswith("\n"))
    except (OSError, ValueError):
        return False

"""carry_out(): one trial from its order to its results; as a process, one JSON document in, JSON lines out.

Started as ``python -m ctcbench.study.worker``, one process a trial: it inherits no fork of torch's
threads, its peak memory is the trial's own, and a model that kills it kills nothing else. It ends
when standard input does: when its parent is gone.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import CtcbenchError, Interrupted, PluginError
from ctcbench.contract.executors import Event, Outcome
from ctcbench.data.built_dataset import build_dataset
from ctcbench.evaluation.log_probs import load_log_probs
from ctcbench.files.locks import Busy
from ctcbench.pipeline import runner
from ctcbench.pipeline.decode_stored import decode_run
from ctcbench.processes.worker_side import end_with_parent, hear_interrupts, own_standard_output
from ctcbench.registry.attribution import find_plugin_frame
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.progress_events import ProgressListener, TrainingProgress
from ctcbench.training.runtime import Runtime

# The workers of a study that was killed end within moments, but its next start may be as quick.
BUSY_SECONDS = 5.0
_ALONE = threading.Lock()


def carry_out(order: Mapping[str, Any], tell: Callable[[Event], None] = lambda event: None) -> Outcome:
    """Train the model of a trial unless that is done, go on with it where it was begun, and decode it.

    Nothing that goes wrong in the trial is raised: the outcome holds it. `tell` hears of progress.

    Raises:
        PluginError: another trial is being carried out in this process.
    """
    if not _ALONE.acquire(blocking=False):
        raise PluginError(
            "another trial is being carried out in this process, and both would draw from torch's one "
            "generator; start `python -m ctcbench.study.worker` for each"
        )
    try:
        return _carried_out(order, tell)
    finally:
        _ALONE.release()


def _carried_out(order: Mapping[str, Any], tell: Callable[[Event], None]) -> Outcome:
    started = time.monotonic()

    def ended(state: Any, error: str = "", trace: str = "") -> Outcome:
        return Outcome(str(order["key"]), state, error, trace, time.monotonic() - started)

    try:
        _keep_to(order.get("threads"))
        _carry_out(load_registry(), order, tell)
    except (Interrupted, KeyboardInterrupt):
        return ended("stopped")
    except Busy as error:
        return ended("stopped", str(error))  # someone else trains it: no fault of the configuration
    except Exception as error:
        return ended("failed", explain(error), traceback.format_exc())
    return ended("done")


def _carry_out(registry: Registry, order: Mapping[str, Any], tell: Callable[[Event], None]) -> None:
    configs = [RunConfig(**settings) for settings in order["configs"]]
    folder = RunFolder(Path(order["out"]) / order["key"])
    failures: list[Exception] = []
    if not _is_surely_read(folder, configs[0]):
        runtime = Runtime(
            out=folder.path.parent,
            resume=folder.config_path.exists(),
            workers=order.get("threads"),
            checkpoint_seconds=order.get("checkpoint_seconds", 60.0),
            listener=_Teller(tell, folder),
        )
        first = configs.pop(0)
        try:
            _patiently(functools.partial(runner.run, registry, first, runtime))
        except Exception as error:
            if not _is_read(registry, folder, first, runtime):
                raise
            failures.append(error)  # it was the decoder that failed: the others may still do
    for config in configs:
        try:
            _patiently(functools.partial(_decode, registry, folder, config))
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _is_surely_read(folder: RunFolder, config: RunConfig) -> bool:
    """Say whether all is done but the decoding, from the run folder alone; where in doubt, a run finds out.

    There is doubt where a data set has fewer images than are asked for.
    """
    with contextlib.suppress(CtcbenchError):
        path = folder.log_probs_path("test")
        return folder.is_finished and len(load_log_probs(path)) == config.test_samples
    return False


def _is_read(registry: Registry, folder: RunFolder, config: RunConfig, runtime: Runtime) -> bool:
    """Say whether all is done but the decoding, of the very images that a configuration asks for.

    After a run, these are in the cache; where they can't be had, it was not the decoder that failed.
    """
    with contextlib.suppress(Exception):
        dataset = build_dataset(registry, config.dataset)
        return folder.is_finished and runner.is_read(
            folder, "test", runner.draw(dataset, config, runtime, "test")
        )
    return False


def _decode(registry: Registry, folder: RunFolder, config: RunConfig) -> None:
    with folder.lock("decoding in this run folder"):
        decode_run(registry, folder, config.decoder, config=config)


def _patiently(action: Callable[[], object]) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            action()
            return
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def explain(error: BaseException) -> str:
    """Return why a trial failed, in one line; what is no error of ours is named by its type."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = " ".join(str(error).split())
    if isinstance(error, CtcbenchError):
        return text
    if "OutOfMemoryError" in kinds or isinstance(error, MemoryError):
        return f"out of memory ({text[:200]}): try a smaller --batch-size"
    whose = find_plugin_frame(error)
    return f"{type(error).__name__}: {text}{f' ({whose.owner}, {whose.location})' if whose else ''}"


def _keep_to(threads: int | None) -> None:
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # for a torch that is not imported yet
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(threads)


class _Teller(ProgressListener):
    """Turns a run's progress into JSON documents."""

    def __init__(self, tell: Callable[[Event], None], folder: RunFolder) -> None:
        self._tell = tell
        self._known = f"{folder.path}: trained already" if folder.is_finished else None

    def images_drawn(self, split: SplitName, done: int, total: int) -> None:
        self._tell({"kind": "drawing", "split": split, "done": done, "total": total})

    def training_advanced(self, progress: TrainingProgress) -> None:
        figures = asdict(progress)
        if progress.loss != progress.loss:  # JSON has no NaN
            figures["loss"] = None
        self._tell({"kind": "training", **figures})

    def images_read(self, split: SplitName, done: int, total: int) -> None:
        self._tell({"kind": "reading", "split": split, "done": done, "total": total})

    def notice(self, text: str) -> None:
        # That a model is trained already is what a study counts on, and it has no --fresh.
        if not (self._known and text.startswith(self._known)):
            self._tell({"kind": "notice", "text": text})


def main() -> int:
    """Carry out the order on standard input; the last line on standard output is ``{"outcome": …}``."""
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    channel = own_standard_output()

    def tell(message: Event) -> None:
        channel.write(json.dumps(message).encode() + b"\n")
        channel.flush()

    try:
        hear_interrupts()
        outcome = carry_out(order, tell)
        if outcome.traceback:
            sys.stderr.write(outcome.traceback)
        tell({"outcome": outcome.to_json()})
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""carry_out(): train the model of one trial and decode it, in this process."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError, PluginError
from ctcbench.contract.executors import Event, Outcome
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.files.locks import Busy
from ctcbench.files.text import one_line
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import announce_result, decode_run
from ctcbench.pipeline.reading_stage import has_log_probs
from ctcbench.pipeline.run_context import draw
from ctcbench.processes.out_of_memory import describe_shortage, is_out_of_memory
from ctcbench.processes.signals import Interrupted
from ctcbench.registry.attribution import find_plugin_frame
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.results.decoder_key import decoder_key
from ctcbench.results.run_folder import RunFolder
from ctcbench.study.refused_decoder import is_refused
from ctcbench.study.trial_events import TrialProgressListener
from ctcbench.training.runtime import Runtime

# The workers of a killed study end within moments, but the study may be started again before that.
BUSY_SECONDS = 5.0
_ONE_AT_A_TIME = threading.Lock()


def carry_out(
    order: Mapping[str, Any],
    on_event: Callable[[Event], None] = lambda event: None,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train the model of a trial, or resume its training, and decode its log-probabilities.

    Finished stages are skipped. An error of the trial is returned in its outcome, not raised.

    Args:
        order: the order of a `ctcbench.Trial`.
        on_event: called with each progress event of the trial, a JSON object.
        stopping: called after each step of the training, in the thread of the caller; once it returns
            True, the state is saved and the trial ends as ``stopped``.

    Returns:
        The outcome: ``done``; ``stopped`` after an interrupt, or if another process trains the model;
        ``failed`` with the error and its traceback.

    Raises:
        PluginError: another trial is being carried out in this process.
    """
    with one_at_a_time():
        return _outcome_of(order, on_event, stopping)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Return a context that only one thread of the process can be in.

    Raises:
        PluginError: another thread is.
    """
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise PluginError(
            "another trial is being carried out in this process, and both would draw from torch's one "
            "generator; start `python -m ctcbench.study.worker` for each"
        )
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()


def explain_failure(error: BaseException) -> str:
    """Return why a trial failed, on one line; errors other than CtcbenchError are named by their type."""
    # On one line, because tables and records show it; the traceback is kept apart.
    text = one_line(str(error))
    if isinstance(error, CtcbenchError):
        return text
    if is_out_of_memory(error):
        return f"out of memory ({describe_shortage(error)}): try a smaller --batch-size"
    frame = find_plugin_frame(error)
    return f"{type(error).__name__}: {text}{f' ({frame.owner}, {frame.location})' if frame else ''}"


def outcome_of(order: Mapping[str, Any], error: BaseException | None, seconds: float) -> Outcome:
    """Return the outcome of a trial that ended after `seconds` with `error`, None if it is done."""
    key = str(order["key"])
    if error is None:
        return Outcome(key, "done", seconds=seconds)
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return Outcome(key, "stopped", seconds=seconds)
    if isinstance(error, Busy):
        # Another process trains the model, which is not a failure of the configuration.
        return Outcome(key, "stopped", str(error), seconds=seconds)
    return Outcome(key, "failed", explain_failure(error), _trace(error), seconds)


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _outcome_of(
    order: Mapping[str, Any], on_event: Callable[[Event], None], stopping: Callable[[], bool]
) -> Outcome:
    started = time.monotonic()
    failure: BaseException | None = None
    failed: dict[str, tuple[str, str]] = {}
    try:
        # Plugins are loaded inside, so that one that can't be loaded is a failure of this trial.
        limit_threads(order.get("threads"))
        _train_and_decode(load_registry(), order, on_event, stopping, failed)
    except (Exception, KeyboardInterrupt) as error:
        failure = error
    outcome = outcome_of(order, failure, time.monotonic() - started)
    if not failed or outcome.state == "stopped":
        return outcome
    outcome = replace(outcome, decoder_errors={key: error for key, (error, _) in failed.items()})
    if outcome.state == "failed":
        return outcome
    # Each reason once: decoders can fail for the same one.
    reasons, traces = (dict.fromkeys(part) for part in zip(*failed.values(), strict=True))
    return replace(outcome, state="failed", error="; ".join(reasons), traceback="\n".join(traces))


def run_folder(order: Mapping[str, Any]) -> RunFolder:
    """Return the run folder of a trial."""
    return RunFolder(Path(order["out"]) / order["key"])


def make_runtime(
    order: Mapping[str, Any], on_event: Callable[[Event], None], stopping: Callable[[], bool]
) -> Runtime:
    """Return how the run of a trial is carried out: it is resumed if it was started."""
    folder = run_folder(order)
    return Runtime(
        out=folder.path.parent,
        # A study resumes by itself; without this, an unfinished run is an error that names --resume.
        resume=folder.path.exists() and folder.has(folder.config_path),
        workers=order.get("threads"),
        checkpoint_seconds=order.get("checkpoint_seconds", 60.0),
        graph=order.get("graph"),
        listener=TrialProgressListener(on_event, folder),
        stopping=stopping,
    )


def _train_and_decode(
    registry: Registry,
    order: Mapping[str, Any],
    on_event: Callable[[Event], None],
    stopping: Callable[[], bool],
    failed: dict[str, tuple[str, str]],
) -> None:
    """Run the first configuration whose decoder can be built, and decode with the decoders of the others.

    The error and the traceback of each decoder that fails are added to `failed`, by the key of its result.
    """
    configs = [RunConfig(**settings) for settings in order["configs"]]
    folder = run_folder(order)
    runtime = make_runtime(order, on_event, stopping)
    while not _only_decoding_is_left(folder, configs[0]):
        first = configs.pop(0)
        try:
            _retry_while_busy(functools.partial(_run, registry, first, runtime))
            break
        except (Busy, Interrupted):
            raise  # no failure of the configuration
        except Exception as error:
            # If only the decoder failed, the others are still tried. Before the training, it fails if it
            # can't be built.
            is_read = _is_read(registry, folder, first, runtime)
            if not (is_read or is_refused(registry, first)):
                raise
            _add_failure(failed, first, error)
            if is_read:
                break
            if not configs:
                return
    for config in configs:
        try:
            _retry_while_busy(functools.partial(_decode, registry, folder, config, runtime))
        except (Busy, Interrupted):
            raise  # no failure of the decoder
        except Exception as error:
            _add_failure(failed, config, error)


def _add_failure(failed: dict[str, tuple[str, str]], config: RunConfig, error: Exception) -> None:
    # As text: the error itself would hold the memory of the decoding.
    failed[decoder_key(config.decoder)] = explain_failure(error), _trace(error)


def _only_decoding_is_left(folder: RunFolder, config: RunConfig) -> bool:
    """Return True if the run folder shows that training and reading are done."""
    # A data set may have fewer images than `config` requests. Then the numbers differ although nothing is
    # missing, and the run that follows skips every stage.
    with contextlib.suppress(CtcbenchError):
        return folder.is_finished and len(folder.read_log_probs("test")) == config.test_samples
    return False


def _is_read(registry: Registry, folder: RunFolder, config: RunConfig, runtime: Runtime) -> bool:
    """Return True if the log-probabilities of the test images of `config` are stored."""
    # After a run, the images are in the cache. If they can't be drawn, the error was not the decoder's.
    with contextlib.suppress(Exception):
        dataset = build_run_dataset(registry, config)
        return folder.is_finished and has_log_probs(folder, "test", draw(dataset, config, runtime, "test"))
    return False


def _run(registry: Registry, config: RunConfig, runtime: Runtime) -> None:
    runner.run(resolve(registry, config), runtime)


def _decode(registry: Registry, folder: RunFolder, config: RunConfig, runtime: Runtime) -> None:
    with folder.lock("decoding in this run folder"):
        result = decode_run(resolve(registry, config), folder)
    announce_result(registry, folder, result, runtime.listener.notice)


def _retry_while_busy(action: Callable[[], object]) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            action()
            return
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def limit_threads(threads: int | None) -> None:
    """Let torch compute with a number of CPU threads; None or 0: with those that it chooses."""
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is imported
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(threads)

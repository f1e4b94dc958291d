"""A tracker: records the settings, the metrics of each epoch and the results of a run in MLflow."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctcbench import EpochReport, RunInfo, UsageError, hookimpl

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run
    from mlflow.tracking import MlflowClient

SWITCH = "CTCBENCH_MLFLOW"
_RUN, _DECODER = "ctcbench.run", "ctcbench.decoder"  # tags by which a run is found again
_LONGEST_VALUE = 6000  # of a parameter, in MLflow
_LONGEST_NAME = 60  # of a file
_PARAMETERS_AT_ONCE = 100  # in MLflow


@hookimpl
def ctcbench_run_started(run: RunInfo) -> None:
    """Create a run in MLflow with all settings; a resumed run continues the existing one."""
    if not switched_on():
        return
    client, experiment = connect(run)
    known = _find(client, experiment, run)
    if known is not None and _has_finished_an_epoch(run.folder):
        client.update_run(known.info.run_id, status="RUNNING")
        return
    # Metrics can't be removed from a run of MLflow, so a run that was discarded (--fresh) is replaced.
    for old in _all(client, experiment, run):
        client.delete_run(old.info.run_id)
    _create(client, experiment, run)


@hookimpl
def ctcbench_epoch_finished(run: RunInfo, epoch: EpochReport) -> None:
    """Record the metrics of an epoch."""
    if not switched_on():
        return
    client, experiment = connect(run)
    known = _find(client, experiment, run)
    if known is None:
        return
    figures = {metric_name(name): value for name, value in epoch.figures.items()} | {"epoch": epoch.epoch}
    client.log_batch(known.info.run_id, metrics=_metrics(figures, epoch.step))


@hookimpl
def ctcbench_run_finished(run: RunInfo, result: Mapping[str, Any]) -> None:
    """Record scores and cost of a result; those of another decoder than the run's in a nested run."""
    if not switched_on():
        return
    client, experiment = connect(run)
    parent = _find(client, experiment, run)
    # A run that was trained before this plugin was installed, and is decoded now.
    target = parent if parent is not None else _create(client, experiment, run)
    decoder = str(result["config"]["decoder"])
    if decoder != str(run.config.get("decoder")):
        for old in _all(client, experiment, run, decoder):
            client.delete_run(old.info.run_id)
        target = _create(client, experiment, run, decoder=decoder, parent=target)
    figures = {f"test/{name}": value for name, value in numbers(result["score"]).items()}
    figures |= {f"cost/{name}": value for name, value in numbers(result["cost"]).items()}
    try:
        client.log_batch(target.info.run_id, metrics=_metrics(figures, last_step(run, result)))
        client.log_dict(target.info.run_id, dict(result), f"results/{file_name(decoder)}.json")
    finally:
        client.set_terminated(target.info.run_id)


def switched_on() -> bool:
    """Return whether runs are recorded; CTCBENCH_MLFLOW=off disables it.

    Raises:
        UsageError: the value of the variable is neither on nor off.
    """
    value = os.environ.get(SWITCH, "on").strip().lower()
    if value not in ("on", "off", "1", "0", ""):
        raise UsageError(f"{SWITCH}={value}: allowed are on and off")
    return value not in ("off", "0")


def connect(run: RunInfo) -> tuple[MlflowClient, str]:
    """Return a client of the store, and the identifier of the experiment in it."""
    from filelock import FileLock

    # Before mlflow is imported: without a server of the user's nothing may leave the machine.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # It logs the creation of its tables, between the lines of the progress.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    from mlflow.tracking import MlflowClient

    out = run.folder.parent.resolve()
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "ctcbench"
    # Trials of a study start at once, and the first one creates the tables.
    with FileLock(out / ".mlflow.lock"):
        client = MlflowClient(tracking_uri=uri or f"sqlite:///{out / 'mlflow.db'}")
        found = client.get_experiment_by_name(name)
        if found is not None:
            return client, found.experiment_id
        artifacts = None if uri else (out / "mlflow-artifacts").as_uri()
        return client, client.create_experiment(name, artifact_location=artifacts)


def file_name(decoder: str) -> str:
    """Return a component string as a file name; one that is long or has other characters gets a hash."""
    # Such as colons, which file names can't have everywhere.
    name = re.sub(r"[^A-Za-z0-9._=-]+", "-", decoder)
    if len(name) <= _LONGEST_NAME and re.fullmatch(r"[A-Za-z0-9._=:-]*", decoder):
        return name
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(decoder.encode()).hexdigest()[:8]}"


def metric_name(figure: str) -> str:
    """Return the name of a metric; MLflow groups names by the part before the slash (val/exact)."""
    return figure.replace("val_", "val/", 1) if figure.startswith("val_") else f"train/{figure}"


def numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the entries that are numbers, without booleans."""
    return {n: v for n, v in figures.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def last_step(run: RunInfo, result: Mapping[str, Any]) -> int:
    """Return the last step of the training; a run that is decoded again has it in its result only."""
    training = result.get("provenance", {}).get("training") or {}
    return int(training.get("steps") or run.steps)


def _metrics(figures: Mapping[str, float], step: int) -> list[Metric]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, step) for name, value in figures.items()]


def _create(
    client: MlflowClient, experiment: str, run: RunInfo, *, decoder: str = "", parent: Run | None = None
) -> Run:
    from mlflow.entities import Param

    tags = {_RUN: _identity(run), _DECODER: decoder, "mlflow.source.name": "ctcbench"}
    tags["ctcbench.folder"] = str(run.folder.resolve())
    if parent is not None:
        tags["mlflow.parentRunId"] = parent.info.run_id
    created = client.create_run(experiment, tags=tags, run_name=decoder or run.key)
    settings = {**run.config, **({"decoder": decoder} if decoder else {})}
    parameters = [Param(name, str(value)[:_LONGEST_VALUE]) for name, value in settings.items()]
    for start in range(0, len(parameters), _PARAMETERS_AT_ONCE):
        client.log_batch(created.info.run_id, params=parameters[start : start + _PARAMETERS_AT_ONCE])
    return created


def _find(client: MlflowClient, experiment: str, run: RunInfo) -> Run | None:
    found = _all(client, experiment, run, "")
    return found[0] if found else None


def _all(client: MlflowClient, experiment: str, run: RunInfo, decoder: str | None = None) -> list[Run]:
    """Return the runs of MLflow that belong to a run folder, of one decoder or of all, the newest first."""
    wanted = f"tags.`{_RUN}` = '{_identity(run)}'"
    found = client.search_runs([experiment], wanted, order_by=["attributes.start_time DESC"])
    # Not in the filter: a component string may hold quotes, which the filter language can't escape.
    return [one for one in found if decoder is None or one.data.tags.get(_DECODER) == decoder]


def _identity(run: RunInfo) -> str:
    """Return what identifies a run folder: its key, and in a store of several output folders its path too."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return run.key  # the store is in the output folder, and moves with it
    return f"{run.key}-{hashlib.sha256(os.fsencode(run.folder.resolve())).hexdigest()[:16]}"


def _has_finished_an_epoch(folder: Path) -> bool:
    """Return whether the metrics file of the run has an epoch, so that this is a resumed run."""
    try:
        with (folder / "metrics.jsonl").open(encoding="utf-8") as lines:
            # A line without its end is one that is being written.
            return any(json.loads(line).get("kind") == "epoch" for line in lines if line.endswith("\n"))
    except (OSError, ValueError):
        return False

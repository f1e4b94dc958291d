"""Every hook that a plugin can have. Hooks return things; none is called inside the training step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from ctcbench.contract.components import Component

hookspec = pluggy.HookspecMarker("ctcbench")
hookimpl = pluggy.HookimplMarker("ctcbench")


@dataclass(frozen=True)
class RunInfo:
    """The run that a tracker hears of: its folder, its key, every setting, its length in steps."""

    folder: Path
    key: str
    config: Mapping[str, Any]
    epochs: int
    steps: int


@dataclass(frozen=True)
class EpochReport:
    """An epoch's end: ``epoch`` from 1, ``step`` from the start, figures by name (loss, val_exact …)."""

    epoch: int
    step: int
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Column:
    """An extra column of a report: its header, and the text for a result (the JSON document as a dict)."""

    header: str
    text: Callable[[Mapping[str, Any]], str]


@hookspec
def ctcbench_components() -> Sequence[Component]:  # type: ignore[empty-body]
    """Return the components that this plugin adds."""


@hookspec
def ctcbench_columns() -> Sequence[Column]:  # type: ignore[empty-body]
    """Return extra columns for reports."""


@hookspec
def ctcbench_run_started(run: RunInfo) -> None:
    """Hear that a run begins, or goes on after a stop."""


@hookspec
def ctcbench_epoch_finished(run: RunInfo, epoch: EpochReport) -> None:
    """Hear an epoch's figures, after its validation."""


@hookspec
def ctcbench_run_finished(run: RunInfo, result: Mapping[str, Any]) -> None:
    """Hear the result, as the JSON document that is stored."""

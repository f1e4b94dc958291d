"""Every hook that a plugin can implement, and the types that hooks receive and return.

A plugin implements hooks as functions of its module, marked with ``@hookimpl``; the core calls them. No
hook is called inside the training step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from ctcbench.contract.components import Component

# pluggy checks names and arguments of hooks against these specifications when a plugin is registered.
hookspec = pluggy.HookspecMarker("ctcbench")
hookimpl = pluggy.HookimplMarker("ctcbench")


@dataclass(frozen=True)
class RunInfo:
    """A run: its folder, its key, every setting by name, and its length in epochs and steps."""

    folder: Path
    key: str
    config: Mapping[str, Any]
    epochs: int
    steps: int


@dataclass(frozen=True)
class EpochReport:
    """The end of an epoch: ``epoch`` from 1, ``step`` from the start, metrics by name (loss, val_exact …).

    ``kept`` tells whether the weights of this epoch are those that the run keeps so far.
    """

    epoch: int
    step: int
    figures: Mapping[str, float]
    kept: bool = True


@dataclass(frozen=True)
class Column:
    """An extra column of a report: its header, and the text of a cell from a result's JSON document."""

    header: str
    text: Callable[[Mapping[str, Any]], str]


@hookspec
def ctcbench_components() -> Sequence[Component]:  # type: ignore[empty-body]
    """Return the components that this plugin adds."""


@hookspec
def ctcbench_columns() -> Sequence[Column]:  # type: ignore[empty-body]
    """Return extra columns for reports."""


@hookspec
def ctcbench_compared_decoders() -> Sequence[str]:  # type: ignore[empty-body]
    """Return component strings that `ctcbench bench decoders` measures beside each decoder's defaults."""


@hookspec
def ctcbench_run_started(run: RunInfo) -> None:
    """Called when a run starts or is resumed, before its first step.

    Several runs of one process can train in turns, so the hooks of one may come between those of another.
    """


@hookspec
def ctcbench_epoch_finished(run: RunInfo, epoch: EpochReport) -> None:
    """Called after the validation of each epoch."""


@hookspec
def ctcbench_run_finished(run: RunInfo, result: Mapping[str, Any]) -> None:
    """Called with the JSON document of each result of a run, also when the run is decoded again."""

"""Runtime: the options of how a run is carried out, as opposed to its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ctcbench.config.budget import Budget
from ctcbench.training.progress_events import ProgressListener


@dataclass(frozen=True)
class Runtime:
    """Options of carrying out a run.

    Attributes:
        out: folder in which the run folder is created.
        resume: resume an earlier run of the same settings; an error if there is none.
        fresh: delete an earlier run of the same settings and start again.
        budget: how long the training may take: the numbers of images and epochs are chosen accordingly, in
            place of those of the settings; None: those of the settings are used.
        workers: number of processes that draw images; None: one per core.
        overlap: whether training images that are not in the cache are drawn while the training runs, where
            that is possible; None: on a CUDA device.
        graph: whether the training step is captured as a CUDA graph; None: on a CUDA device.
        checkpoint_seconds: time between checkpoints; one is written at the end of each epoch as well.
        stopping: returns whether this run alone should stop after its step; signals stop every run of the
            process.
        resume_command: the command that the error of an interrupted run names for resuming.
        listener: receives progress events.
    """

    out: Path = Path("runs")
    resume: bool = False
    fresh: bool = False
    budget: Budget | None = None
    workers: int | None = None
    overlap: bool | None = None
    graph: bool | None = None
    checkpoint_seconds: float = 60.0
    stopping: Callable[[], bool] = lambda: False
    resume_command: str = "run(config, Runtime(resume=True))"
    listener: ProgressListener = field(default_factory=ProgressListener)

"""Runtime: how a run is carried out; none of it changes a result."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ctcbench.training.progress_events import ProgressListener


@dataclass(frozen=True)
class Runtime:
    """How a run is carried out.

    Attributes:
        out: folder in which the run folder is created.
        resume: continue an earlier run of the same settings; an error if there is none.
        fresh: delete an earlier run of the same settings and start again.
        workers: number of processes that draw images; None: one a core.
        checkpoint_seconds: time between checkpoints; one is written at the end of each epoch as well.
        resume_command: what the error of an interrupted run tells the user to type.
        listener: receives the progress.
    """

    out: Path = Path("runs")
    resume: bool = False
    fresh: bool = False
    workers: int | None = None
    checkpoint_seconds: float = 60.0
    resume_command: str = "run(config, Runtime(resume=True))"
    listener: ProgressListener = field(default_factory=ProgressListener)

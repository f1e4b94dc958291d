"""Runtime: how a run is carried out, as against what is run; nothing here changes a figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ctcbench.training.progress_events import ProgressListener


@dataclass(frozen=True)
class Runtime:
    """Where a run is stored, whether it goes on with what is there, and who looks on.

    ``resume`` demands an earlier run of the same settings to go on with; ``fresh`` throws such a run
    away; ``workers`` draw images (None: one a core); a checkpoint is written every
    ``checkpoint_seconds`` and at each epoch's end; ``resume_command`` is what an interrupted run
    tells the user to type.
    """

    out: Path = Path("runs")
    resume: bool = False
    fresh: bool = False
    workers: int | None = None
    checkpoint_seconds: float = 60.0
    resume_command: str = "run(config, Runtime(resume=True))"
    listener: ProgressListener = field(default_factory=ProgressListener)

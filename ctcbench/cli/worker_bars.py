"""WorkerBars: a progress bar for each worker of a study."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ctcbench.contract.executors import LASTING_EVENTS, Event
from ctcbench.files.text import printable
from ctcbench.reporting.number_format import seconds
from ctcbench.study.plan import PlannedModel


class WorkerBars:
    """What each worker does.

    Attributes:
        at: by worker, its model, the latest event, and the time of the first one.
    """

    def __init__(self) -> None:
        self.at: dict[str, tuple[PlannedModel, Event, float]] = {}

    def update(self, model: PlannedModel, worker: str, event: Event) -> None:
        """Record an event of a worker."""
        began = self.at[worker][2] if worker in self.at else time.monotonic()
        # Lasting events do not state how far the trial is; the bar keeps the last event that does.
        if event["kind"] not in LASTING_EVENTS:
            self.at[worker] = (model, event, began)

    def remove(self, model: PlannedModel) -> None:
        """Remove the worker of a trial that has ended."""
        self.at = {worker: at for worker, at in self.at.items() if at[0].key != model.key}

    def table(self) -> Table:
        """Return a row for each worker: its model, a bar, and what it does."""
        table = Table.grid(padding=(0, 1), expand=True)
        for _ in range(2):
            table.add_column(no_wrap=True)
        table.add_column(ratio=1, min_width=8)
        table.add_column(no_wrap=True)
        for worker, (model, event, _) in sorted(self.at.items()):
            done, total, right = _progress(event)
            bar = ProgressBar(total=max(total, 1), completed=done)
            table.add_row(Text(worker, "dim"), Text(printable(model.label), "bold"), bar, Text(right))
        return table


def _progress(event: Mapping[str, Any]) -> tuple[int, int, str]:
    if event["kind"] != "training":
        return event["done"], event["total"], f"{event['kind']} {event['split']}"
    loss = "" if event["loss"] is None else f"loss {event['loss']:.3f}  "
    return event["step"], event["steps"], f"{loss}{seconds(event['seconds_left'])} left"

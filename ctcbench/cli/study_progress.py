"""The progress of a study on standard error: a live table on a terminal, one line per trial elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import fmean

from rich.console import Console, Group
from rich.text import Text

from ctcbench.cli.study_table import study_table
from ctcbench.cli.trial_progress import LiveTrialProgress, TrialProgress
from ctcbench.contract.executors import Event, Outcome
from ctcbench.files.text import one_line, printable
from ctcbench.reporting.number_format import percent, seconds
from ctcbench.results.result import Result
from ctcbench.study.plan import Plan, PlannedModel

_ROWS = 24  # a live table can't be taller than the terminal


def study_progress(plan: Plan, console: Console | None = None) -> StudyProgress:
    """Return a live view for a terminal, else plain lines; on standard error, or on `console`."""
    console = console or Console(stderr=True, highlight=False)
    return LiveStudyProgress(plan, console) if console.is_terminal else StudyProgress(plan, console)


class StudyProgress(TrialProgress):
    """Prints a line for each trial that ended, and for each notice."""

    def __init__(self, plan: Plan, console: Console) -> None:
        super().__init__(console)
        self.plan = plan
        self.ran = 0
        self.to_run = len(plan.at("decode", "resume", "train"))

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        """Print the results of a trial, or its error."""
        self.ran += 1
        text = Text(printable(f"[{self.ran}/{self.to_run}] {model.label}  "))
        if outcome.state == "done":
            figures = ", ".join(
                f"{result.config['decoder']} {percent(result.score.exact)}" for result in results.values()
            )
            text.append(f"exact {figures}  ", "green").append(seconds(outcome.seconds), "dim")
        elif outcome.error:
            text.append(f"{outcome.state}: {one_line(outcome.error)}", "red")
        else:
            text.append("stopped, state saved", "yellow")
        self.print_line(text)


class LiveStudyProgress(StudyProgress, LiveTrialProgress):
    """A live table of results, a progress bar for each worker, and the time left."""

    def __init__(self, plan: Plan, console: Console) -> None:
        super().__init__(plan, console)
        self._results = {model.key: model.results() for model in plan.models}
        self._failed = {model.key for model in plan.at("failed")}
        self._waiting = {model.key: model for model in plan.at("decode", "resume", "train")}
        self._took: list[float] = []

    def trial_progressed(self, model: PlannedModel, worker: str, event: Event) -> None:
        """Update the progress bar of a worker."""
        self._waiting.pop(model.key, None)
        super().trial_progressed(model, worker, event)

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        """Add the results of a trial to the table; a failure is printed above it."""
        self.view.bars.remove(model)
        self._waiting.pop(model.key, None)
        self._results[model.key] = dict(results)
        # A trial that is done has a row in the table; other outcomes need a line that stays.
        if outcome.state == "done":
            self._took.append(outcome.seconds)
            self.ran += 1
        else:
            self._failed |= {model.key} if outcome.state == "failed" else set()
            super().trial_ended(model, outcome, results)
        self.show()

    def show(self) -> None:
        """Draw the table of results, the bars, and the time left."""
        room = max(4, min(_ROWS, self.console.height - self.plan.workers - 6))
        table = study_table(self.plan, self._results, self._failed, room=room)
        self.view.show(Group(table, self.view.bars.table(), self._footer()))

    def _footer(self) -> Text:
        left = self._seconds_left()
        note = "" if left is None else f", about {seconds(left)} left"
        return Text(f"{self.ran} of {self.to_run} models done{note}", "dim")

    def _seconds_left(self) -> float | None:
        """Return the estimated seconds until the study ends; None while there is no basis for an estimate."""
        now = time.monotonic()
        running = {
            model.key: (now - began, float(event["seconds_left"]))
            for model, event, began in self.view.bars.at.values()
            if event["kind"] == "training"
        }
        # A waiting model without an estimate of its own is assumed to take as long as those before it.
        typical = self._took or [sum(times) for times in running.values()]
        guesses = [
            model.seconds if model.seconds is not None else fmean(typical) if typical else None
            for model in self._waiting.values()
        ]
        if None in guesses:
            return None
        lefts = [left for _, left in running.values()]
        # Never less than the longest running trial, which no other worker can take over.
        return max([(sum(g for g in guesses if g) + sum(lefts)) / self.plan.workers, *lefts])

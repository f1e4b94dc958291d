"""The progress of a search on standard error: a live view on a terminal, one line per trial elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ctcbench.cli.search_results import score_text
from ctcbench.cli.worker_bars import WorkerBars
from ctcbench.contract.executors import Event, Outcome
from ctcbench.files.text import one_line, printable, printable_lines
from ctcbench.results.result import Result
from ctcbench.study.plan import PlannedModel
from ctcbench.study.search.optimiser import Proposal, best_first, proposal_label
from ctcbench.study.search.search_file import SearchSpec

_FRAME_SECONDS = 0.1


def search_progress(spec: SearchSpec) -> SearchProgress:
    """Return a live view for a terminal, else plain lines; on standard error."""
    console = Console(stderr=True, highlight=False)
    return LiveSearchProgress(spec, console) if console.is_terminal else SearchProgress(spec, console)


class SearchProgress:
    """Prints a line for each trial that ended, and for each notice."""

    def __init__(self, spec: SearchSpec, console: Console) -> None:
        self.spec = spec
        self.console = console
        self.shown_notices: set[str] = set()

    def __enter__(self) -> Self:
        """Start the view."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the view."""

    def trial_progressed(self, model: PlannedModel, worker: str, event: Event) -> None:
        """Print a notice of a trial; the same text of several trials is printed once."""
        if event["kind"] == "notice" and event["text"] not in self.shown_notices:
            self.shown_notices.add(str(event["text"]))
            self.notice(f"{model.label}: {event['text']}")

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        """Print that a trial was stopped; other outcomes are those of its proposal."""

    def proposal_ended(self, proposal: Proposal) -> None:
        """Print how a proposal ended."""
        text = Text(printable(proposal_label(proposal)) + "  ")
        score = "" if proposal.score is None else score_text(self.spec.objective, proposal.score)
        if proposal.state == "complete":
            text.append(score, "green")
        elif proposal.state == "pruned":
            text.append(f"pruned after {proposal.share:.0%} of the training, {score}", "yellow")
        else:
            text.append(f"failed: {one_line(proposal.error)}", "red")
        self.print_line(text)

    def notice(self, text: str) -> None:
        """Print a notice."""
        self.print_line(Text(printable_lines(text), "yellow"))

    def print_line(self, text: Text) -> None:
        """Print a line."""
        self.console.print(text, soft_wrap=True)


class LiveSearchProgress(SearchProgress):
    """Prints the same lines above a progress bar for each worker and the best trial so far."""

    def __init__(self, spec: SearchSpec, console: Console) -> None:
        super().__init__(spec, console)
        # redirect_stdout: standard output is for the report.
        self._live = Live(console=console, transient=True, auto_refresh=False, redirect_stdout=False)
        self._bars = WorkerBars()
        self._best: Proposal | None = None
        self._ended = 0
        self._shown = 0.0

    def __enter__(self) -> Self:
        """Start the live display."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the live display and show the cursor again."""
        self._live.update("")
        self._live.stop()

    def trial_progressed(self, model: PlannedModel, worker: str, event: Event) -> None:
        """Print a notice, or move the bar of a worker."""
        super().trial_progressed(model, worker, event)
        self._bars.update(model, worker, event)
        if time.monotonic() - self._shown > _FRAME_SECONDS:
            self._show()

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        """Remove the bar of a worker."""
        self._bars.remove(model)
        self._show()

    def proposal_ended(self, proposal: Proposal) -> None:
        """Print how a proposal ended, and show the best one."""
        super().proposal_ended(proposal)
        self._ended += 1
        if proposal.state == "complete":
            known = [one for one in (self._best, proposal) if one]
            self._best = best_first(self.spec, known)[0]
        self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        best = ""
        if self._best and self._best.score is not None:
            best = f"; best: trial {self._best.number}, {score_text(self.spec.objective, self._best.score)}"
        footer = Text(f"{self._ended} trials ended, {self.spec.trials} in all{best}", "dim")
        self._live.update(Group(self._bars.table(), footer), refresh=True)

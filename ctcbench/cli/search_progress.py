"""The progress of a search on standard error: a live view on a terminal, one line per trial elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console, Group
from rich.text import Text

from ctcbench.cli.search_results import score_text
from ctcbench.cli.trial_progress import LiveTrialProgress, TrialProgress
from ctcbench.contract.executors import Outcome
from ctcbench.files.text import one_line, printable
from ctcbench.reporting.number_format import percent
from ctcbench.results.result import Result
from ctcbench.study.plan import PlannedModel
from ctcbench.study.search.optimiser import Proposal, best_first, proposal_label
from ctcbench.study.search.search_file import SearchSpec


def search_progress(spec: SearchSpec) -> SearchProgress:
    """Return a live view for a terminal, else plain lines; on standard error."""
    console = Console(stderr=True, highlight=False)
    return LiveSearchProgress(spec, console) if console.is_terminal else SearchProgress(spec, console)


class SearchProgress(TrialProgress):
    """Prints a line for each trial that ended, and for each notice."""

    def __init__(self, spec: SearchSpec, console: Console) -> None:
        super().__init__(console)
        self.spec = spec

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        """Print that a trial was stopped; other outcomes are those of its proposal."""

    def proposal_ended(self, proposal: Proposal) -> None:
        """Print how a proposal ended."""
        text = Text(printable(proposal_label(proposal)) + "  ")
        score = "" if proposal.score is None else score_text(self.spec.objective, proposal.score)
        if proposal.state == "complete":
            text.append(score, "green")
        elif proposal.state == "pruned":
            text.append(f"pruned after {percent(proposal.share, 0)} of the training, {score}", "yellow")
        else:
            text.append(f"failed: {one_line(proposal.error)}", "red")
        self.print_line(text)


class LiveSearchProgress(SearchProgress, LiveTrialProgress):
    """Prints the same lines above a progress bar for each worker and the best trial so far."""

    def __init__(self, spec: SearchSpec, console: Console) -> None:
        super().__init__(spec, console)
        self._best: Proposal | None = None
        self._ended = 0

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        """Remove the bar of a worker."""
        self.view.bars.remove(model)
        self.show()

    def proposal_ended(self, proposal: Proposal) -> None:
        """Print how a proposal ended, and show the best one."""
        super().proposal_ended(proposal)
        self._ended += 1
        if proposal.state == "complete":
            known = [one for one in (self._best, proposal) if one]
            self._best = best_first(self.spec, known)[0]
        self.show()

    def show(self) -> None:
        """Draw the bars, and the best trial so far."""
        best = ""
        if self._best and self._best.score is not None:
            best = f"; best: trial {self._best.number}, {score_text(self.spec.objective, self._best.score)}"
        footer = Text(f"{self._ended} trials ended, {self.spec.trials} in all{best}", "dim")
        self.view.show(Group(self.view.bars.table(), footer))

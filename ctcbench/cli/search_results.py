"""The results of a search: a table of the best trials, the importance of the parameters, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from ctcbench.cli.output import output_console
from ctcbench.contract.options import show
from ctcbench.contract.word_lists import counted
from ctcbench.files.shell_words import quote_word
from ctcbench.files.text import one_line, printable
from ctcbench.reporting.number_format import percent
from ctcbench.results.config_file import to_toml
from ctcbench.study.plan import PlannedModel
from ctcbench.study.search.optimiser import Proposal, best_first
from ctcbench.study.search.search_file import Objective, SearchSpec
from ctcbench.study.study_folder import StudyFolder

_SHOWN = 10  # trials in the table
_NOTHING_READ = (
    "no trial reads a validation text, so that the first complete one counts as the best: start another "
    'search (--name) with longer trainings, or with objective = "cer"'
)


def score_text(objective: Objective, score: float) -> str:
    """Return a score with its name, such as ``validation exact 91.20 %``."""
    return (
        f"validation {objective} {score:.4g}"
        if objective == "loss"
        else f"validation {objective} {percent(score)}"
    )


@dataclass(frozen=True)
class SearchResults:
    """The trials of a search so far.

    Attributes:
        models: the models of each proposal by its number; of pruned and failed ones there may be none.
        importance: share of each parameter, empty if there are too few trials.
    """

    spec: SearchSpec
    folder: StudyFolder
    proposals: Sequence[Proposal]
    models: Mapping[int, Sequence[PlannedModel]]
    importance: Mapping[str, float]

    @property
    def best(self) -> Proposal | None:
        """The best complete trial."""
        return next(iter(best_first(self.spec, self.proposals)), None)

    def best_toml(self) -> str:
        """Return the best configuration as a TOML document; there is one."""
        assert self.best
        assert self.best.score is not None
        config = self.models[self.best.number][0].entries[0].config
        trained = sum(proposal.state == "complete" for proposal in self.proposals)
        header = (
            f"# Best of {counted(trained, 'complete trial')} of the search {self.spec.name}: trial "
            f"{self.best.number}, "
            f"{score_text(self.spec.objective, self.best.score)}.\n"
            f"# ctcbench run --config {self.folder.best_path.name}\n"
        )
        return header + to_toml(config.model_dump())

    def to_json(self) -> dict[str, Any]:
        """Return the search as one JSON document."""
        best = self.best
        return {
            "study": self.spec.name,
            "out": str(self.folder.out),
            "objective": self.spec.objective,
            "direction": "maximise" if self.spec.maximise else "minimise",
            "trials": [
                {
                    "number": proposal.number,
                    "state": proposal.state,
                    "score": proposal.score,
                    "share": proposal.share,
                    "values": dict(proposal.values),
                    "settings": dict(proposal.settings),
                    "runs": [str(model.folder.path) for model in self.models.get(proposal.number, ())],
                    "error": proposal.error or None,
                }
                for proposal in self.proposals
            ],
            "importance": dict(self.importance),
            "best": {"number": best.number, "score": best.score, "config": str(self.folder.best_path)}
            if best
            else None,
        }

    def print(self) -> None:
        """Print the best trials, the failed ones, and what to do next, on standard output."""
        console = output_console()
        ranked = best_first(self.spec, self.proposals)
        names = [parameter.name for parameter in self.spec.space.parameters]
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("trial", justify="right")
        table.add_column(f"validation {self.spec.objective}", justify="right")
        for name in names:
            table.add_column(name, overflow="fold")
        for proposal in ranked[:_SHOWN]:
            assert proposal.score is not None
            score = score_text(self.spec.objective, proposal.score).split(maxsplit=2)[2]
            values = [
                Text(printable(show(proposal.values[name])) if name in proposal.values else "")
                for name in names
            ]
            table.add_row(str(proposal.number), score, *values)
        if ranked:
            console.print(table)
        lines = [Text(self._counted(len(ranked)), "dim")]
        if self.importance:
            parts = ", ".join(f"{name} {percent(share, 0)}" for name, share in self.importance.items())
            lines.append(Text(f"importance (PED-ANOVA)  {parts}"))
        for proposal in self.proposals:
            if proposal.state == "failed":
                lines.append(Text(f"trial {proposal.number} failed: {one_line(proposal.error)}", "red"))
        if self.best:
            if self.spec.objective == "exact" and not self.best.score:
                lines.append(Text(_NOTHING_READ, "yellow"))
            lines += self._next_lines(self.best)
        # soft_wrap: a command that rich breaks into lines can't be pasted.
        for line in lines:
            console.print(line, soft_wrap=True)

    def _counted(self, complete: int) -> str:
        counts = {
            state: sum(p.state == state for p in self.proposals) for state in ("pruned", "failed", "running")
        }
        others = [
            f"{count} {state if state != 'running' else 'stopped'}"
            for state, count in counts.items()
            if count
        ]
        return f"{counted(len(self.proposals), 'trial')}: {', '.join([f'{complete} complete', *others])}"

    def _next_lines(self, best: Proposal) -> list[Text]:
        found = [result for model in self.models[best.number] for result in model.results().values()]
        lines = [Text("")]
        if found:
            exact = sum(result.score.exact for result in found) / len(found)
            lines.append(
                Text(f"test exact    {percent(exact)} (trial {best.number}; not used for the choice)")
            )
        config, study = quote_word(str(self.folder.best_path)), quote_word(str(self.folder.path))
        lines.append(Text.assemble("best          ", (printable(config), "bold")))
        lines.append(Text.assemble("next          ", (f"ctcbench run --config {printable(config)}", "cyan")))
        lines.append(
            Text.assemble("              ", (f"ctcbench report {printable(study)} -o report.html", "cyan"))
        )
        return lines

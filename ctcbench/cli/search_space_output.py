"""print_search_space(): what a search would try, for `ctcbench tune --dry-run`; it needs no Optuna."""

from __future__ import annotations

from rich.text import Text

from ctcbench.cli.output import output_console, print_json
from ctcbench.contract.word_lists import counted
from ctcbench.files.text import printable
from ctcbench.reporting.number_format import percent
from ctcbench.study.search.search_file import SearchSpec


def print_search_space(spec: SearchSpec, *, as_json: bool) -> None:
    """Print the parameters of a search and how many trials it has."""
    if as_json:
        print_json({"study": spec.name, "trials": spec.trials, **spec.identity()})
        return
    console = output_console()
    for parameter in spec.space.parameters:
        console.print(
            Text.assemble((printable(parameter.name), "bold"), f"  {printable(str(parameter))}"),
            soft_wrap=True,
        )
    seeds = len(spec.seeds) or 1
    budget = f", budget {spec.budget}" if spec.budget else ""
    pruning = "no pruning"
    if spec.pruning:
        first, reduction = spec.pruning.first, spec.pruning.reduction
        pruning = f"pruning from {percent(first, 0)} of the training on, one in {reduction} continues"
    console.print(
        Text(
            f"{counted(spec.trials, 'trial')}, seeds {seeds}{budget}, best validation {spec.objective}; "
            f"{pruning}",
            "dim",
        ),
        soft_wrap=True,
    )

"""A single result as `ctcbench run` and `ctcbench decode` print it. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console
from ctcbench.cli.views.decoding_examples import Example
from ctcbench.config.recipe import fitting_decoders
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.text import printable
from ctcbench.registry.component_registry import Registry
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder

_EXAMPLE_POOL = 256  # examples are chosen among this many images


def print_report(result: Result, folder: Path) -> None:
    """Print the report of a result, with examples from the log-probabilities stored in its run folder."""
    from ctcbench.cli.views.run_report import UnbrokenLine, run_report

    installed = registry()
    console = output_console()
    parts = run_report(
        result,
        folder,
        examples=_examples(result, folder),
        columns=installed.columns(),
        other_decoders=other_decoders(installed, result),
    )
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, UnbrokenLine))


def print_next(label: str, command: str) -> None:
    """Print a command line below a report, with a label of at most eleven characters."""
    # soft_wrap: a command that rich breaks into lines can't be pasted.
    output_console().print(Text.assemble(f"{label:<12}", (printable(command), "cyan")), soft_wrap=True)


def _examples(result: Result, folder: Path) -> list[Example]:
    """Return example images of a result; none if its log-probabilities or predictions can't be read."""
    from ctcbench.cli.views.decoding_examples import choose_examples
    from ctcbench.reporting.stored_predictions import stored_predictions

    predictions = stored_predictions(result)
    if predictions is None:
        return []
    try:
        log_probs = RunFolder(folder).read_log_probs(result.score.split)
    except CtcbenchError:
        return []  # the metrics are complete without examples
    return choose_examples(log_probs, predictions.texts[:_EXAMPLE_POOL])


def other_decoders(registry: Registry, result: Result) -> list[str]:
    """Return the installed decoders that fit the loss of a result, except the one that it used."""
    used = ComponentString.parse(str(result.config["decoder"])).name
    alignment = registry.alignment("loss", str(result.config["loss"]))
    names = [name for name in fitting_decoders(registry, alignment) if name != used]
    # The slow reference decoder comes last, because the report suggests the first.
    return sorted(names, key=lambda name: name == "beam")

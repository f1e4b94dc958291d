"""What the commands take from run folders: examples, decoders to try next. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from ctcbench.cli.views.decoding_examples import Example
from ctcbench.config.train_key import fitting_decoders
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.registry.component_registry import Registry
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder

_LOOKED_AT = 256  # images among which examples are chosen


def the_run(folder: Path) -> RunFolder:
    """Return a run folder that a user named.

    Raises:
        UsageError: there is no run in it.
    """
    run = RunFolder(folder)
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    if not run.config_path.is_file():
        inside = sorted(path.parent.name for path in folder.glob("*/config.toml"))
        hint = f"; it holds the runs {', '.join(inside[:5])}" if inside else ""
        raise UsageError(f"{folder}: not a run folder (no config.toml){hint}")
    return run


def examples_of(result: Result, folder: Path) -> list[Example]:
    """Return example images of a result; none if its log-probabilities or predictions cannot be read."""
    from ctcbench.cli.views.decoding_examples import choose_examples
    from ctcbench.evaluation.log_probs import load_log_probs
    from ctcbench.reporting.stored_predictions import stored_predictions

    predictions = stored_predictions(result)
    if predictions is None:
        return []
    try:
        log_probs = load_log_probs(RunFolder(folder).log_probs_path(result.score.split))
    except CtcbenchError:
        return []  # the metrics are complete without examples
    return choose_examples(log_probs, predictions.texts[:_LOOKED_AT])


def other_decoders(registry: Registry, result: Result) -> list[str]:
    """Return the installed decoders that can read this result's log-probs, and that it did not use.

    The slow reference comes last: the first is what a user is told to type.
    """
    used = ComponentString.parse(str(result.config["decoder"])).name
    names = [name for name in fitting_decoders(registry, str(result.config["loss"])) if name != used]
    return sorted(names, key=lambda name: name == "beam")

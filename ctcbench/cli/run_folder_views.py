"""What the commands take from run folders: examples, decoders to try next. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from ctcbench.config.run_config import RunConfig
from ctcbench.config.train_key import fitting_decoders
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting.examples import Example
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


def examples_of(registry: Registry, result: Result, folder: Path) -> list[Example]:
    """Return example images of a result, none where its log-probs can't be read."""
    from ctcbench.evaluation.log_probs import load_log_probs
    from ctcbench.pipeline.decode_stored import decode
    from ctcbench.reporting.examples import choose, first_images

    try:
        config = RunConfig(**result.config)
        stored = load_log_probs(RunFolder(folder).log_probs_path(result.score.split))
        log_probs = first_images(stored, _LOOKED_AT)
        hypotheses, _ = decode(registry, config.decoder, log_probs)
        decoded = [log_probs.alphabet.decode(hypothesis.labels) for hypothesis in hypotheses]
    except CtcbenchError:
        return []  # the figures stand; pictures of them are an extra
    return choose(log_probs, decoded)


def other_decoders(registry: Registry, result: Result) -> list[str]:
    """Return the installed decoders that can read this result's log-probs, and that it did not use.

    The slow reference comes last: the first is what a user is told to type.
    """
    used = ComponentString.parse(str(result.config["decoder"])).name
    names = [name for name in fitting_decoders(registry, str(result.config["loss"])) if name != used]
    return sorted(names, key=lambda name: name == "beam")

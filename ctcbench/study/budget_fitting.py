"""fit_grid(): the configurations of a study with the numbers that its budget chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from ctcbench.config.train_key import train_key
from ctcbench.contract.errors import CtcbenchError
from ctcbench.processes.cores import available_cores
from ctcbench.processes.worker_process import WorkerProcess
from ctcbench.registry.component_registry import Registry
from ctcbench.results.result import Result
from ctcbench.study.budget_choice import BudgetChoice
from ctcbench.study.grid import Grid, GridEntry
from ctcbench.study.plan import Plan, PlannedModel
from ctcbench.study.trial_labels import entry_label, varying_settings
from ctcbench.training.run_length import LARGEST_DEVIATION

_WORKER = "ctcbench.study.budget_worker"


def fit_grid(
    registry: Registry,
    grid: Grid,
    known: Mapping[str, BudgetChoice],
    *,
    threads: int | None,
    notice: Callable[[str], None],
    graph: bool | None = None,
) -> Grid:
    """Return the grid with chosen numbers in place of those of presets; without a budget, unchanged.

    Configurations that `known` has no choice for are timed one after another, each once for all of its
    seeds.

    Args:
        registry: the components.
        grid: the configurations.
        known: choices of an earlier start, by digest.
        threads: number of threads of a trial; None: the executor does not state it.
        notice: receives a sentence for each configuration.
        graph: whether the trainings capture their steps as CUDA graphs; None: on CUDA devices.

    Raises:
        UsageError: the budget is too short for a configuration, or a setting can't work on this machine or
            with this data.
        CtcbenchError: a component breaks its contract, or the process that times steps died.
    """
    asked = {entry.digest: entry for entry in grid.entries if entry.budget and entry.digest not in known}
    choices = dict(known)
    if asked:
        choices |= time_configurations(list(asked.values()), threads or available_cores(), notice, graph)
    # Numbers that are chosen may be those that another configuration sets.
    fitted: dict[tuple[str, str], GridEntry] = {}
    for entry in grid.entries:
        entry = fit_entry(registry, entry, choices)
        fitted.setdefault((entry.train_key, entry.result_key), entry)
    return replace(grid, entries=tuple(fitted.values()), choices=choices)


def fit_entry(registry: Registry, entry: GridEntry, choices: Mapping[str, BudgetChoice]) -> GridEntry:
    """Return a configuration with the numbers that its budget chose; unchanged if there are none."""
    if not entry.budget or entry.digest not in choices:
        return entry
    choice = choices[entry.digest]
    config = entry.config.replace(**{name: getattr(choice, name) for name in entry.budget.chosen})
    return replace(entry, config=config, train_key=train_key(registry, config))


def time_configurations(
    entries: Sequence[GridEntry], threads: int, notice: Callable[[str], None], graph: bool | None = None
) -> dict[str, BudgetChoice]:
    """Return the choice for each configuration by its digest, measured in a process with `threads` threads.

    Raises:
        UsageError, CtcbenchError: as `fit_grid`.
    """
    names = [name for name in varying_settings(entries) if name != "seed"]
    labels = {entry.digest: entry_label(entry, names) for entry in entries}
    order = {
        "threads": threads,
        "graph": graph,
        "configurations": [
            {
                "digest": entry.digest,
                "label": labels[entry.digest],
                "config": entry.config.model_dump(),
                "budget": asdict(entry.budget) if entry.budget else None,
            }
            for entry in entries
        ],
    }
    found: dict[str, BudgetChoice] = {}

    def receive(message: Mapping[str, object] | None) -> None:
        if message is not None:
            digest, choice = str(message["digest"]), BudgetChoice.model_validate(message["choice"])
            found[digest] = choice
            notice(
                f"timed {len(found)} of {len(entries)}: {labels[digest]}: {choice.train_samples:,} images, "
                f"epochs {choice.epochs}, about {choice.training_seconds:.0f} s ({choice.compute})"
            )

    process = WorkerProcess(_WORKER, order, receive, threads=threads)
    try:
        process.wait()
    except BaseException:
        process.end(kill=True)
        raise
    # Not killed: one that crashed has closed its pipe, but may not have ended yet, and says then how it did.
    process.end()
    if process.error:
        raise process.error
    if not process.finished:
        reason = process.stderr.splitlines()[-1] if process.stderr else "no reason is known"
        raise CtcbenchError(f"the process that times steps {process.exit_description}: {reason}")
    return found


def describe_deviations(plan: Plan, results: Iterable[tuple[PlannedModel, str, Result]]) -> str:
    """Return a sentence on models that trained much longer or shorter than the study's budget, or "".

    `results` are models with the keys of their results.
    """
    if not plan.budget:
        return ""
    seconds = {
        model.key: model_seconds for model, _, result in results if (model_seconds := _seconds(result))
    }
    outside = [s for s in seconds.values() if abs(s / plan.budget.seconds - 1) > LARGEST_DEVIATION]
    if not outside:
        return ""
    shortest, longest = f"{min(outside):.3g}", f"{max(outside):.3g}"
    span = shortest if shortest == longest else f"{shortest} to {longest}"
    return (
        f"budget {plan.budget.text}: {len(outside)} of {len(seconds)} models trained for {span} s; possible "
        f"causes are trials that run at the same time (--executor local:workers=1 runs one), other programs, "
        f"epochs of a fixed number of images, and --patience"
    )


def _seconds(result: Result) -> float:
    seconds = result.cost.get("train_seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0

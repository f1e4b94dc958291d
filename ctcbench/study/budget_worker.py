"""The worker process that times steps for a study's budget: ``python -m ctcbench.study.budget_worker``.

It reads configurations on standard input, and writes the numbers that are chosen for each on standard output.
"""

# In a process of its own, with the number of threads that a trial will have: torch reads it once.

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ctcbench.config.budget import Budget
from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.pipeline.budget_stage import measure_length
from ctcbench.processes.worker_main import Send, serve
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.study.budget_choice import BudgetChoice
from ctcbench.study.trial import explain_failure


def main() -> int:
    """Choose the numbers for the order on standard input, and return the exit code."""
    return serve(_handle)


def choose_numbers(
    registry: Registry, config: RunConfig, budget: Budget, threads: int, graph: bool | None = None
) -> BudgetChoice:
    """Time steps of a configuration in this process, and return the numbers that its budget chooses.

    Raises:
        UsageError: the budget is too short, or a setting can't work on this machine or with this data.
        PluginError: a component breaks its contract.
    """
    recipe = resolve(registry, config)
    dataset = build_run_dataset(registry, recipe.config)
    # A trial draws its images with as many processes as it has threads.
    rates, length = measure_length(recipe, dataset, budget, workers=threads, graph=graph)
    return BudgetChoice(
        train_samples=length.train_samples,
        epochs=length.epochs,
        training_seconds=rates.training_seconds(length, dataset.size("train")),
        step_seconds=rates.step_seconds,
        compute=rates.compute,
    )


def _handle(order: Mapping[str, Any], send: Send) -> None:
    registry = load_registry()
    for asked in order["configurations"]:
        try:
            choice = choose_numbers(
                registry,
                RunConfig(**asked["config"]),
                Budget(**asked["budget"]),
                order["threads"],
                order["graph"],
            )
        except CtcbenchError as error:
            # Of the same type, which decides the exit code.
            raise type(error)(f"{asked['label']}: {error}") from error
        except Exception as error:  # a plugin may raise anything
            raise CtcbenchError(f"{asked['label']}: {explain_failure(error)}") from error
        send({"digest": asked["digest"], "choice": choice.model_dump()})


if __name__ == "__main__":
    sys.exit(main())

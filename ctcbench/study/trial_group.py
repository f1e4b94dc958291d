"""carry_out_together(): several trials in this process whose trainings take turns."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ctcbench.config.recipe import Recipe, resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.executors import Event, Outcome
from ctcbench.pipeline.joint_training import train_together
from ctcbench.processes.signals import Interrupted
from ctcbench.registry.discovery import load_registry
from ctcbench.study.refused_decoder import is_refused
from ctcbench.study.trial import (
    BUSY_SECONDS,
    carry_out,
    limit_threads,
    make_runtime,
    one_at_a_time,
    outcome_of,
    run_folder,
)
from ctcbench.training.runtime import Runtime

Order = Mapping[str, Any]


def carry_out_together(
    orders: Sequence[Order],
    on_event: Callable[[str, Event], None],
    on_outcome: Callable[[Outcome], None],
    *,
    cancelled: Callable[[str], bool] = lambda key: False,
) -> None:
    """Carry out trials whose settings differ in the seed only, with their trainings at the same time.

    Each trial ends as it would by `carry_out`, with the same results. They are decoded one after another,
    when all are trained.

    Args:
        orders: the orders of `ctcbench.Trial` objects with the same `recipe_key`.
        on_event: called with the key of a trial and a progress event of it.
        on_outcome: called with each outcome, as the trial ends.
        cancelled: returns whether the trial of a key alone should stop; its state is then saved.

    Raises:
        PluginError: another trial is being carried out in this process.
    """
    group = _Group(orders, on_event, on_outcome, cancelled)
    try:
        if len(orders) > 1:
            with one_at_a_time():
                group.train()
        group.decode()
    except (Interrupted, KeyboardInterrupt):
        group.stop()


class _Group:
    """The trials of a group that have not ended yet."""

    def __init__(
        self,
        orders: Sequence[Order],
        on_event: Callable[[str, Event], None],
        on_outcome: Callable[[Outcome], None],
        cancelled: Callable[[str], bool],
    ) -> None:
        self._waiting = {str(order["key"]): order for order in orders}
        self._on_event, self._on_outcome, self._cancelled = on_event, on_outcome, cancelled
        self._started = time.monotonic()
        self._interrupted = False

    def train(self) -> None:
        """Train the models that are not trained yet; those that fail have their outcome afterwards.

        Raises:
            Interrupted: the user stopped the trainings.
        """
        limit_threads(next(iter(self._waiting.values())).get("threads"))
        untrained = {key: order for key, order in self._waiting.items() if not run_folder(order).is_finished}
        recipes = _valid_recipes(untrained)
        keys = list(recipes)
        if len(keys) < 2:
            return
        train_together(
            [recipes[key] for key in keys],
            [self._runtime(key) for key in keys],
            lambda index, error: self._trained(keys[index], error),
            busy_seconds=BUSY_SECONDS,
        )
        if self._interrupted:
            raise Interrupted("the trainings were stopped")

    def decode(self) -> None:
        """Carry out what is left of each trial.

        Raises:
            Interrupted: the user stopped a trial.
        """
        for key, order in list(self._waiting.items()):
            if self._cancelled(key):
                self._end(Outcome(key, "stopped"))
                continue
            cancelled = functools.partial(self._cancelled, key)
            outcome = carry_out(order, functools.partial(self._on_event, key), stopping=cancelled)
            self._end(outcome)
            # With an error, another process works in the run folder.
            if outcome.state == "stopped" and not outcome.error and not self._cancelled(key):
                raise Interrupted("a trial was stopped")

    def stop(self) -> None:
        """End the trials that have no outcome yet as stopped."""
        for key in list(self._waiting):
            self._end(Outcome(key, "stopped"))

    def _runtime(self, key: str) -> Runtime:
        on_event, cancelled = functools.partial(self._on_event, key), functools.partial(self._cancelled, key)
        return make_runtime(self._waiting[key], on_event, cancelled)

    def _trained(self, key: str, error: Exception | None) -> None:
        if error is None:
            return
        # By a signal, which stops all, or alone.
        if isinstance(error, Interrupted) and not self._cancelled(key):
            self._interrupted = True
        self._end(outcome_of(self._waiting[key], error, 0.0))

    def _end(self, outcome: Outcome) -> None:
        del self._waiting[outcome.key]
        self._on_outcome(replace(outcome, seconds=time.monotonic() - self._started))


def _valid_recipes(orders: Mapping[str, Order]) -> dict[str, Recipe]:
    """Return the recipes of trials by their key; `carry_out` reports what is wrong with the others.

    A recipe is that of the trial's first configuration whose decoder can be built.
    """
    recipes = {}
    known: dict[str, bool] = {}  # decoders; the data set is the same for all seeds
    with contextlib.suppress(Exception):
        registry = load_registry()
        for key, order in orders.items():
            with contextlib.suppress(Exception):
                for config in (RunConfig(**settings) for settings in order["configs"]):
                    if config.decoder not in known:
                        known[config.decoder] = not is_refused(registry, config)
                    if known[config.decoder]:
                        recipes[key] = resolve(registry, config)
                        break
    return recipes

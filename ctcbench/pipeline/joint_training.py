"""train_together(): trains several recognisers in one process, which differ in their seed only."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ctcbench.config.recipe import Recipe
from ctcbench.files.locks import Busy
from ctcbench.pipeline.run_context import RunContext, open_run
from ctcbench.pipeline.training_stage import prepare_training
from ctcbench.processes.signals import StopRequest, stop_on_signals
from ctcbench.training.runtime import Runtime

if TYPE_CHECKING:
    from ctcbench.training.device import Compute
    from ctcbench.training.shared_parts import SharedParts

_RETRY_SECONDS = 0.2

_Steps = Generator[None, StopRequest | None, None]
OnEnd = Callable[[int, Exception | None], None]


def train_together(
    recipes: Sequence[Recipe], runtimes: Sequence[Runtime], on_end: OnEnd, *, busy_seconds: float = 0.0
) -> None:
    """Train recognisers of equal settings but for the seed, one step of each in turn.

    On a GPU, each has a stream of its own, so that the GPU computes the steps of several at the same time.
    The results are those of separate trainings. Each has its own run folder, with its lock and checkpoints;
    the images on the device are shared. A training that fails ends alone. After a signal, each stops after
    its next step.

    Args:
        recipes: the settings of each training; runs that are trained already are skipped.
        runtimes: how each is carried out.
        on_end: called with the index of each training when it ends, and with its error, None if it is
            trained. The error holds memory of the training as long as it exists.
        busy_seconds: how long to wait for run folders in which another process writes.

    Raises:
        KeyboardInterrupt: a signal arrived before the first step, or a second one later.
    """
    from ctcbench.training import device
    from ctcbench.training.cuda.lane import make_lanes
    from ctcbench.training.shared_parts import SharedParts

    config, notice = recipes[0].config, runtimes[0].listener.notice
    try:
        compute = device.choose_compute(config)
        compute.forget_peak_memory()
        lanes = make_lanes(compute.device, len(recipes))
    except Exception as error:
        for index in range(len(recipes)):
            on_end(index, error)
        return
    shared = SharedParts(len(recipes))
    deadline = time.monotonic() + busy_seconds
    # Entered once around all: they change settings of the process, and have to be left in the reverse order.
    with device.torch_settings(config, compute), contextlib.ExitStack() as stack:
        members = []
        for index, (recipe, runtime, lane) in enumerate(zip(recipes, runtimes, lanes, strict=True)):
            member = _Member(index, _train(recipe, runtime, compute, shared, deadline), lane, on_end)
            stack.callback(member.steps.close)
            member.advance(None)
            members.append(member)
        with stop_on_signals(notice) as stop:
            while members := [member for member in members if not member.has_ended]:
                for member in members:
                    member.advance(stop)


def _train(
    recipe: Recipe, runtime: Runtime, compute: Compute, shared: SharedParts, deadline: float
) -> _Steps:
    """Train a recogniser; yield when it is prepared, and after each step. The first value sent is used."""
    with contextlib.ExitStack() as stack:
        # All wait for the images that are drawn for the first of them.
        context = _open(stack, recipe, replace(runtime, overlap=False), deadline)
        if context.folder.is_finished:
            return
        training = prepare_training(context, compute, shared)
        stop = yield
        assert stop is not None
        while not training.trainer.is_done:
            training.trainer.advance(stop)
            yield
        training.finish()


def _open(stack: contextlib.ExitStack, recipe: Recipe, runtime: Runtime, deadline: float) -> RunContext:
    """Open a run; wait for its folder until `deadline`, in seconds of the monotonic clock."""
    while True:
        try:
            return stack.enter_context(open_run(recipe, runtime))
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


@dataclass
class _Member:
    """One of the trainings, and where it computes."""

    index: int
    steps: _Steps
    lane: contextlib.AbstractContextManager[object]
    on_end: OnEnd
    has_ended: bool = False

    def advance(self, stop: StopRequest | None) -> None:
        """Prepare the training, or carry out its next step; an error of it is reported by `on_end`."""
        error = None
        try:
            with self.lane:
                self.steps.send(stop)
                return
        except StopIteration:
            pass
        except Exception as failure:
            error = failure
        self.has_ended = True
        self.on_end(self.index, error)
        # Its traceback refers to this frame: without this, what the step allocated would stay until Python
        # looks for such cycles, and the next training may need the memory.
        del error

"""What to try after a training step that failed: out of memory, a number that is NaN, a backward pass."""

from __future__ import annotations

import traceback

from ctcbench.config.recipe import Recipe
from ctcbench.files.text import one_line
from ctcbench.processes.out_of_memory import describe_shortage, is_out_of_memory
from ctcbench.training.step import TrainState


def explain_step_error(error: BaseException, state: TrainState, trainings: int) -> str | None:
    """Return why the step after `state` failed and what to try; None: `error` says it best.

    Args:
        error: what the step raised.
        state: the state of the training.
        trainings: number of trainings in this process.
    """
    if is_out_of_memory(error):
        return _explain_shortage(error, state, trainings)
    suspects = suspect_plugins(state.recipe)
    # Raised by autograd, where no frame of the traceback belongs to the part that is wrong.
    innermost = list(traceback.walk_tb(error.__traceback__))[-1][0].f_globals.get("__name__", "")
    if not (suspects and str(innermost).startswith("torch.autograd")):
        return None
    first_sentences = one_line(str(error)).partition(" Hint:")[0]
    return f"the backward pass of step {state.step + 1} failed: {first_sentences}{suspects}"


def suspect_plugins(recipe: Recipe) -> str:
    """Return the end of an error that names the parts of a training that come from plugins, or ``""``."""
    parts = recipe.plugin_parts
    return f"; ctcbench.testing checks the gradients of parts of plugins: {', '.join(parts)}" if parts else ""


def _explain_shortage(error: BaseException, state: TrainState, trainings: int) -> str:
    config, on_gpu = state.recipe.config, state.compute.device.type == "cuda"
    remedies = ["a smaller --batch-size"]
    if config.accumulate < config.batch_size:
        remedies.append(f"--accumulate {min(2 * config.accumulate, config.batch_size)}")
    if config.amp is False:
        remedies.append("--amp")
    if trainings > 1:
        remedies.append("fewer trainings in one process (together=)")
    return (
        f"out of {'GPU ' * on_gpu}memory ({describe_shortage(error)}) at step {state.step + 1} with "
        f"--batch-size {config.batch_size}: try {', or '.join(remedies)}"
    )

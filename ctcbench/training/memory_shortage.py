"""explain_shortage(): what to try after a training step that ran out of memory."""

from __future__ import annotations

from ctcbench.processes.out_of_memory import describe_shortage
from ctcbench.training.step import TrainState


def explain_shortage(error: BaseException, state: TrainState, trainings: int) -> str:
    """Return what ran out in the step after `state`, and what to try.

    Args:
        error: the error, which `is_out_of_memory` recognises.
        state: the state of the training.
        trainings: number of trainings in this process.
    """
    config, on_gpu = state.recipe.config, state.compute.device.type == "cuda"
    remedies = ["a smaller --batch-size", f"--accumulate {2 * config.accumulate}"]
    if config.amp is False:
        remedies.append("--amp")
    if trainings > 1:
        remedies.append("fewer trainings in one process (together=)")
    return (
        f"out of {'GPU ' * on_gpu}memory ({describe_shortage(error)}) at step {state.step + 1} with "
        f"--batch-size {config.batch_size}: try {', or '.join(remedies)}"
    )

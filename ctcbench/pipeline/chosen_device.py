"""choose_device(): the device and the precision of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.training.distributed.process_group import ProcessGroup
from ctcbench.training.runtime import Runtime

if TYPE_CHECKING:
    from ctcbench.training.device import Compute


def choose_device(config: RunConfig, runtime: Runtime, group: ProcessGroup) -> Compute:
    """Return the device and the precision of a run.

    Raises:
        UsageError: the device does not exist, or a CUDA graph is wanted on a CPU.
    """
    from ctcbench.training import device

    compute = device.choose_compute(config, group.process_rank)
    if runtime.graph and compute.device.type != "cuda":
        raise UsageError(
            f"--graph: the training step can be captured on a CUDA device only, and this run is on "
            f"{compute.device.type} (--device {config.device}); leave out --graph"
        )
    return compute

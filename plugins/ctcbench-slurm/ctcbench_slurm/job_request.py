"""JobRequest: what a job requests of the cluster, and the submitit executor that submits it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctcbench import UsageError

# Slurm sends a signal so long before a job's time is over; the trial then saves its state.
SIGNAL_SECONDS = 120


@dataclass(frozen=True)
class JobRequest:
    """Resources of a job: CPUs, GPUs, GiB of memory, minutes, and Slurm's options that are names."""

    cluster: str = "slurm"
    cpus: int = 1
    gpus: int = 0
    memory: float = 0
    minutes: int = 240
    names: Mapping[str, str] = field(default_factory=dict)

    def submitter(self, folder: Path) -> Any:
        """Return a submitit executor whose logs and pickles are in `folder`.

        Raises:
            UsageError: submitit is not installed, or this machine can't submit jobs.
        """
        try:
            import submitit
        except ImportError as error:
            raise UsageError(
                f"executor slurm: submitit can't be imported ({error}): pip install ctcbench-slurm"
            ) from None
        if self.cluster == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
            raise UsageError(
                "executor slurm: no sbatch and srun on this machine: start the study on a login node of the "
                "cluster (slurm:cluster=local runs the jobs here)"
            )
        executor = submitit.AutoExecutor(folder=folder, cluster=self.cluster)
        names = {f"slurm_{name}": value for name, value in self.names.items() if value}
        executor.update_parameters(
            name="ctcbench",
            timeout_min=self.minutes,
            nodes=1,
            tasks_per_node=1,
            cpus_per_task=self.cpus,
            gpus_per_node=self.gpus,
            mem_gb=self.memory or None,
            slurm_signal_delay_s=SIGNAL_SECONDS,
            **names,
        )
        return executor

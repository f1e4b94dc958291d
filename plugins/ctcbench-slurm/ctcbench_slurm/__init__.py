"""The executor ``slurm``: a study's trials as jobs of a Slurm cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from ctcbench import Component, Executor, executor, hookimpl


@executor
def slurm(
    *,
    workers: Annotated[int, Field(ge=1, le=10_000, description="jobs at once, running or in the queue")] = 4,
    cpus: Annotated[int, Field(ge=1, le=1024, description="CPUs of a job, and threads of its trial")] = 1,
    gpus: Annotated[int, Field(ge=0, le=64, description="GPUs of a job")] = 0,
    memory: Annotated[
        float, Field(ge=0, le=100_000, description="GiB of a job (0: the cluster's default)")
    ] = 0,
    time: Annotated[
        int, Field(ge=1, le=100_000, description="minutes of a job; a longer trial resumes in another job")
    ] = 240,
    partition: Annotated[str, Field(max_length=200, description="partition (default: the cluster's)")] = "",
    account: Annotated[
        str, Field(max_length=200, description="account that is charged (default: the user's)")
    ] = "",
    qos: Annotated[
        str, Field(max_length=200, description="quality of service (default: the cluster's)")
    ] = "",
    constraint: Annotated[str, Field(max_length=200, description="features that a node must have")] = "",
    retries: Annotated[
        int, Field(ge=0, le=1000, description="how often a trial is resumed after its job ended early")
    ] = 10,
    cluster: Annotated[
        Literal["slurm", "local"],
        Field(description="local: processes of this machine, to try it without Slurm"),
    ] = "slurm",
) -> Executor:
    """Trials as jobs of a Slurm cluster, submitted with submitit."""
    # Imported here: components are listed without submitit.
    from ctcbench_slurm.executor import SlurmExecutor
    from ctcbench_slurm.job_request import JobRequest

    names = {"partition": partition, "account": account, "qos": qos, "constraint": constraint}
    return SlurmExecutor(JobRequest(cluster, cpus, gpus, memory, time, names), workers, retries)


@hookimpl
def ctcbench_components() -> Sequence[Component]:
    """Return the executor."""
    return [slurm]

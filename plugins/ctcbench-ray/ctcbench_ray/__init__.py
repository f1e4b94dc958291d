"""The executor ``ray``: a study's trials on the nodes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from ctcbench import Component, Executor, UsageError, executor, hookimpl


@executor
def ray(
    *,
    address: Annotated[
        str,
        Field(
            max_length=200,
            description="host:port of a cluster, auto (the one of this machine), local (a new one); "
            "default: RAY_ADDRESS, else auto, else local",
        ),
    ] = "",
    workers: Annotated[
        int, Field(ge=0, le=10_000, description="trials at once (0: as many as the cluster holds)")
    ] = 0,
    cpus: Annotated[int, Field(ge=1, le=1024, description="CPUs that a trial requests, and its threads")] = 1,
    gpus: Annotated[
        float, Field(ge=0, le=64, description="GPUs that a trial requests; 0.5: two share one")
    ] = 0.0,
    memory: Annotated[
        float, Field(ge=0, le=100_000, description="GiB of memory that a trial requests (0: none)")
    ] = 0.0,
    retries: Annotated[
        int, Field(ge=0, le=1000, description="how often a trial is resumed elsewhere after its worker died")
    ] = 3,
    wait: Annotated[
        int, Field(ge=0, le=86_400, description="seconds to wait for a node that can hold a trial")
    ] = 0,
    files: Annotated[
        Literal["auto", "shared", "sent"],
        Field(description="run folders on the nodes: auto finds out whether they share the study's folder"),
    ] = "auto",
    scratch: Annotated[
        str,
        Field(
            max_length=400, description="a node's folder for run folders that are sent (default: in its /tmp)"
        ),
    ] = "",
) -> Executor:
    """Trials on the nodes of a Ray cluster, each with the CPUs, GPUs and memory that it requests."""
    if gpus > 1 and gpus % 1:
        raise UsageError(f"executor ray: gpus={gpus}: Ray assigns a fraction of one GPU, or whole GPUs")
    from ctcbench_ray.cluster import TrialResources
    from ctcbench_ray.executor import RayExecutor
    from ctcbench_ray.options import RayOptions

    resources = TrialResources(cpus, gpus, memory)
    return RayExecutor(RayOptions(address, workers, resources, retries, float(wait), files, scratch))


@hookimpl
def ctcbench_components() -> Sequence[Component]:
    """Return the executor."""
    return [ray]

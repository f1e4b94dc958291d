"""The options of the executor, as the rest of the package receives them."""

from __future__ import annotations

from dataclasses import dataclass

from ctcbench_ray.cluster import TrialResources


@dataclass(frozen=True)
class RayOptions:
    """The executor's options; ``wait`` in seconds, ``files`` is ``auto``, ``shared`` or ``sent``."""

    address: str = ""
    workers: int = 0
    resources: TrialResources = TrialResources(1)  # noqa: RUF009 (frozen)
    retries: int = 3
    wait: float = 0.0
    files: str = "auto"
    scratch: str = ""

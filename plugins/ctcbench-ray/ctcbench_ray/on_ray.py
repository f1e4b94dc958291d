"""OnRay: the executor; it connects, and hands the trials to a `Session`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctcbench import CtcbenchError, Listener, Outcome, Trial
from ctcbench_ray import cluster
from ctcbench_ray.cluster import Need


@dataclass(frozen=True)
class Wanted:
    """The executor's options; ``wait`` in seconds, ``files`` is auto, shared or sent."""

    address: str = ""
    workers: int = 0
    need: Need = Need(1)  # noqa: RUF009 (frozen)
    retries: int = 3
    wait: float = 0.0
    files: str = "auto"
    scratch: str = ""


class OnRay:
    """Runs each trial as a process on a node of a Ray cluster that holds its CPUs and GPUs."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._ours = False  # whether the connection is this executor's, to be ended by it

    def describe(self) -> Mapping[str, Any]:
        """Return how many trials run at once, and the threads and GPUs of each; connects to the cluster.

        Raises:
            UsageError: no cluster answers.
        """
        self._connect()
        workers = self.wanted.workers or max(1, cluster.places(self.wanted.need, cluster.nodes()))
        return {"workers": workers, "threads": self.wanted.need.cpus, "gpus": self.wanted.need.gpus}

    def run(self, trials: Sequence[Trial], listener: Listener) -> Iterator[Outcome]:
        """Run the trials, and yield each outcome as it comes; see `Executor.run`.

        Raises:
            UsageError: no cluster answers, no node can hold a trial, or a node has other software.
            CtcbenchError: the cluster went away.
        """
        from ray.exceptions import RayError

        from ctcbench_ray.session import Session

        try:
            self._connect()
            with Session(self.wanted, listener) as session:
                yield from session.run(trials)
        except RayError as error:
            raise CtcbenchError(
                f"executor ray: the cluster is gone ({' '.join(str(error).split())[:300]}); what the trials "
                f"had saved is kept, and the same command goes on with it"
            ) from error
        finally:
            if self._ours:
                self._ours = False
                cluster.disconnect()

    def _connect(self) -> None:
        self._ours = cluster.connect(self.wanted.address) or self._ours

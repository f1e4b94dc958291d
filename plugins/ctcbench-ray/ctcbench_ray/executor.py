"""RayExecutor: connects to the cluster, and runs the trials in a `Session`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ctcbench import CtcbenchError, Listener, Outcome, Trial
from ctcbench_ray import cluster
from ctcbench_ray.options import RayOptions


class RayExecutor:
    """Runs each trial as a process on a node of a Ray cluster that has the CPUs and GPUs it requests."""

    def __init__(self, options: RayOptions) -> None:
        self.options = options
        self._connected = False  # by this executor, which then disconnects

    def describe(self) -> Mapping[str, Any]:
        """Return the number of trials at once, and the threads and GPUs of each; connects to the cluster.

        Raises:
            UsageError: no cluster responds.
        """
        self._connect()
        resources = self.options.resources
        # At least 1: a cluster that is empty now may get nodes while it waits.
        workers = self.options.workers or max(1, cluster.capacity(resources, cluster.nodes()))
        return {"workers": workers, "threads": resources.cpus, "gpus": resources.gpus}

    def run(self, trials: Iterable[Trial], listener: Listener) -> Iterator[Outcome]:
        """Run the trials, and yield each outcome as it comes; see `Executor.run`.

        Raises:
            UsageError: no cluster responds, no node can hold a trial, or a node has other software.
            CtcbenchError: the connection to the cluster is lost.
        """
        try:
            self._connect()
            yield from self._run_session(trials, listener)
        finally:
            if self._connected:
                self._connected = False
                cluster.disconnect()

    def _run_session(self, trials: Iterable[Trial], listener: Listener) -> Iterator[Outcome]:
        # Imported here: `cluster.connect` has reported by now if Ray can't be imported.
        from ray.exceptions import RayError

        from ctcbench_ray.session import Session

        try:
            with Session(self.options, listener) as session:
                yield from session.run(trials)
        except RayError as error:
            raise CtcbenchError(
                f"executor ray: the connection to the cluster is lost "
                f"({' '.join(str(error).split())[:300]}); "
                f"the trials' checkpoints are kept, and the same command resumes them"
            ) from error

    def _connect(self) -> None:
        # `describe` and `run` both connect; only the first one does so, and it is remembered.
        self._connected = cluster.connect(self.options.address) or self._connected

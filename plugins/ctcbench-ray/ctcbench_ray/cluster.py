"""The Ray cluster: connecting to it, its nodes, and how many trials they hold."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ctcbench import UsageError

_CONNECT_SECONDS = 5.0
_HEALTH_SECONDS = 30.0  # a busy machine takes some to start Python and import Ray
_GIB = 2**30


@dataclass(frozen=True)
class TrialResources:
    """The resources that a trial requests; ``memory`` in GiB, 0 if it requests none."""

    cpus: int
    gpus: float = 0.0
    memory: float = 0.0

    @property
    def amounts(self) -> dict[str, float]:
        """The amounts that are requested, by Ray's names of the resources."""
        found = {"CPU": float(self.cpus), "GPU": self.gpus, "memory": self.memory * _GIB}
        return {name: amount for name, amount in found.items() if amount}

    def fitting(self, resources: Mapping[str, float]) -> int:
        """Return how many such trials a node with `resources` holds."""
        return min(int(resources.get(name, 0.0) / amount) for name, amount in self.amounts.items())

    def __str__(self) -> str:
        return _describe(self.amounts, self.amounts)


@dataclass(frozen=True)
class Node:
    """A node that is alive, and all its resources, in use or free."""

    key: str
    host: str
    resources: Mapping[str, float]


def connect(address: str) -> bool:
    """Connect this process to a cluster; return False if it was connected before.

    A cluster that this starts has neither Ray's usage statistics nor its dashboard. Ray's signal handlers and
    its messages on standard output are switched off.

    Raises:
        UsageError: no cluster responds there, or it can't be joined from here.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray is imported
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            f"executor ray: Ray can't be imported ({error}); pip install 'ray>=2.40,<3'"
        ) from error

    if ray.is_initialized():
        return False
    if address.startswith("ray://"):
        raise UsageError(
            f"executor ray: address={address}: through a Ray client, trials would not end with their study; "
            f"run ctcbench on a machine of the cluster (`ray start --address=…` makes this one a part of it)"
        )
    target = address or os.environ.get("RAY_ADDRESS", "")
    if target not in ("", "auto", "local"):
        _require_cluster(target)
    try:
        with _signal_handlers_kept():
            ray.init(
                address=address or None,
                include_dashboard=False,
                # Workers' output would be printed between the study's own lines; their errors are in the
                # outcomes.
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except (Exception, SystemExit) as error:  # Ray raises SystemExit if a cluster does not respond
        raise UsageError(f"executor ray: {_where(target)} can't be joined: {_short(error)}") from error
    _silence_ray()
    return True


def disconnect() -> None:
    """Disconnect from the cluster, or end one that `connect` started."""
    import ray

    with _signal_handlers_kept():
        ray.shutdown()


def nodes() -> list[Node]:
    """Return the nodes that are alive."""
    import ray

    return [
        Node(found["NodeID"], found["NodeManagerHostname"], found["Resources"])
        for found in ray.nodes()  # type: ignore[no-untyped-call,unused-ignore]
        if found["Alive"]
    ]


def capacity(resources: TrialResources, found: Sequence[Node]) -> int:
    """Return how many trials the nodes hold at once if nothing else runs there."""
    return sum(resources.fitting(node.resources) for node in found)


def no_room(resources: TrialResources, found: Sequence[Node]) -> UsageError:
    """Return the error for a trial that no node can hold."""
    listed = "; ".join(
        f"{n.host} has {_describe(n.resources, {'CPU': 1, **resources.amounts})}" for n in found[:8]
    )
    more = f"; and {len(found) - 8} more" if len(found) > 8 else ""
    return UsageError(
        f"executor ray: a trial requests {resources}, and no node of the cluster can hold that "
        f"({listed or 'it has no node'}{more}); request less by cpus=, gpus= or memory=, or add such a node "
        f"(wait= sets how long to wait for one)"
    )


def _require_cluster(target: str) -> None:
    """Check that a cluster responds at an address."""
    # Ray itself waits for minutes before it gives up; this check takes seconds.
    host, _, port = target.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"executor ray: address={target}: expected host:port, auto or local")
    remedy = f"start one there with `ray start --head --port={port}`, or leave the address out"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"executor ray: no Ray cluster responds at {target} ({reason}); {remedy}") from None
    # In another process, because the check can hang; an open port alone may be another server's.
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", target]
    try:
        subprocess.run(command, capture_output=True, timeout=_HEALTH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"executor ray: something listens at {target}, but it does not respond as a Ray cluster; the "
            f"port is the one that `ray start --head` names (6379), not the dashboard's or the Ray client's"
        ) from None


@contextlib.contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """Restore the signal handlers that Ray replaces: the study handles requests to stop."""
    # Python allows signal handlers in the main thread only, and Ray sets none elsewhere.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _silence_ray() -> None:
    """Keep Ray's messages, about dead workers for example, off standard output, which may hold JSON."""
    # Ray has no setting for it. Without this private name, in another version, the messages are printed.
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *args, **more: None


def _where(target: str) -> str:
    return {"": "a Ray cluster", "auto": "the Ray cluster of this machine", "local": "a local cluster"}.get(
        target, f"the Ray cluster at {target}"
    )


def _short(error: BaseException) -> str:
    """Return an error on one line, cut off after 500 characters."""
    if isinstance(error, SystemExit):
        return "it does not respond"
    text = " ".join(str(error).split())
    return text if len(text) < 500 else text[:500] + "…"


def _describe(resources: Mapping[str, float], names: Mapping[str, float]) -> str:
    parts = []
    for name in names:
        amount = resources.get(name, 0.0)
        if name == "memory":
            parts.append(f"{amount / _GIB:.3g} GiB of memory")
        else:
            parts.append(f"{amount:g} {name}{'' if amount == 1 else 's'}")
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))

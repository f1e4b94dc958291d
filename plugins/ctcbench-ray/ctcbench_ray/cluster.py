"""The cluster as a study sees it: connecting, its nodes, and what fits on them."""

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

_ANSWER_SECONDS = 5.0
_HEALTH_SECONDS = 30.0  # a busy machine takes some to start Python and import Ray
_GIB = 2**30


@dataclass(frozen=True)
class Need:
    """What a trial asks for; ``memory`` in GiB, 0 where it does not ask."""

    cpus: int
    gpus: float = 0.0
    memory: float = 0.0

    @property
    def resources(self) -> dict[str, float]:
        """The need by Ray's names of resources, those that are asked for."""
        found = {"CPU": float(self.cpus), "GPU": self.gpus, "memory": self.memory * _GIB}
        return {name: amount for name, amount in found.items() if amount}

    def places(self, resources: Mapping[str, float]) -> int:
        """Return how many such trials a node with `resources` holds."""
        return min(int(resources.get(name, 0.0) / amount) for name, amount in self.resources.items())

    def __str__(self) -> str:
        return _amounts(self.resources, self.resources)


@dataclass(frozen=True)
class Node:
    """A node that is alive, and all the resources it has, taken or free."""

    key: str
    host: str
    resources: Mapping[str, float]


def connect(address: str) -> bool:
    """Connect this process to a cluster; returns False where it was connected before.

    Ray's usage statistics and its dashboard stay off for a cluster that this starts; its handlers of
    signals and what it prints stay out of this program's way.

    Raises:
        UsageError: no cluster answers there, or it can't be joined from here.
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
        with _our_signal_handlers():
            ray.init(
                address=address or None,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except (Exception, SystemExit) as error:  # it leaves by SystemExit where a cluster stays silent
        raise UsageError(f"executor ray: {_where(target)} can't be joined: {_short(error)}") from error
    _be_quiet()
    return True


def disconnect() -> None:
    """Leave the cluster, or end one that `connect` has started."""
    import ray

    with _our_signal_handlers():
        ray.shutdown()


def nodes() -> list[Node]:
    """Return the nodes that are alive."""
    import ray

    return [
        Node(found["NodeID"], found["NodeManagerHostname"], found["Resources"])
        for found in ray.nodes()  # type: ignore[no-untyped-call,unused-ignore]
        if found["Alive"]
    ]


def places(need: Need, found: Sequence[Node]) -> int:
    """Return how many trials the nodes hold at once if nothing else ran there."""
    return sum(need.places(node.resources) for node in found)


def no_room(need: Need, found: Sequence[Node]) -> UsageError:
    """Return the error for a trial that no node can ever hold."""
    listed = "; ".join(
        f"{n.host} has {_amounts(n.resources, {'CPU': 1, **need.resources})}" for n in found[:8]
    )
    more = f"; and {len(found) - 8} more" if len(found) > 8 else ""
    return UsageError(
        f"executor ray: a trial asks for {need}, and no node of the cluster can hold that "
        f"({listed or 'it has no node'}{more}); ask for less by cpus=, gpus= or memory=, or add such a node "
        f"(wait= gives it time to come)"
    )


def _require_cluster(target: str) -> None:
    """Find out in seconds what Ray itself takes minutes to."""
    host, _, port = target.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"executor ray: address={target}: expected host:port, auto or local")
    way_on = f"start one there with `ray start --head --port={port}`, or leave the address out"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"executor ray: no Ray cluster answers at {target} ({reason}); {way_on}") from None
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", target]
    try:
        subprocess.run(command, capture_output=True, timeout=_HEALTH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"executor ray: something listens at {target}, but it does not answer as a Ray cluster; the port "
            f"is the one that `ray start --head` names (6379), not the dashboard's or the Ray client's"
        ) from None


@contextlib.contextmanager
def _our_signal_handlers() -> Iterator[None]:
    """Undo what Ray does to signals: a stop is the study's to handle."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _be_quiet() -> None:
    """Keep the news of the cluster, a dead worker's say, off standard output, which may hold JSON.

    Ray has no setting for it. Where the name has gone, its news are printed.
    """
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *args, **more: None


def _where(target: str) -> str:
    return {"": "a Ray cluster", "auto": "the Ray cluster of this machine", "local": "a local cluster"}.get(
        target, f"the Ray cluster at {target}"
    )


def _short(error: BaseException) -> str:
    """Return an error on one line, of a length that can be read."""
    if isinstance(error, SystemExit):
        return "it does not answer"
    text = " ".join(str(error).split())
    return text if len(text) < 500 else text[:500] + "…"


def _amounts(resources: Mapping[str, float], names: Mapping[str, float]) -> str:
    parts = []
    for name in names:
        amount = resources.get(name, 0.0)
        if name == "memory":
            parts.append(f"{amount / _GIB:.3g} GiB of memory")
        else:
            parts.append(f"{amount:g} {name}{'' if amount == 1 else 's'}")
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))

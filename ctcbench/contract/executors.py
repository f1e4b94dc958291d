"""What passes between a study and the executor that runs its trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, get_args

from ctcbench.contract.errors import PluginError

State = Literal["done", "failed", "stopped"]
# One line of a worker's progress: {"kind": "training" | "drawing" | "reading" | "notice", …}.
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """One model to train, and every decoding of its log-probs; it may have been begun before.

    ``key`` is its run folder's name, ``label`` what a user calls it. ``order`` is a JSON document: all
    that `ctcbench.carry_out` needs, here or in another process (``python -m ctcbench.study.worker``
    reads it on standard input); an executor may add ``"threads": n``.
    """

    key: str
    label: str
    order: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: ``done``, ``failed`` (``error`` says why), or ``stopped`` to be gone on with.

    What failed is not tried again unasked. ``seconds`` is the time that it took.

    Raises:
        PluginError: the state is none of these.
    """

    key: str
    state: State
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.state not in (states := get_args(State)):
            raise PluginError(f"an outcome is {self.state!r}; it must be one of {', '.join(states)}")

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON document, which ``Outcome(**document)`` reads."""
        return asdict(self)


@dataclass(frozen=True)
class Listener:
    """Whoever conducts the study; an executor calls these from the thread that its generator runs in.

    ``tell(key, worker, event)`` passes on a line of a trial's progress, ``worker`` naming where it runs.
    ``stopping()`` says whether the user wants to stop: ask at least once a second.
    """

    tell: Callable[[str, str, Event], None]
    stopping: Callable[[], bool]


class Executor(Protocol):
    """What the builder of an executor returns.

    One whose places depend on where the trials compute may also have ``for_devices(devices)``, which is
    called first, with the values of the setting ``device`` in the study (``{"auto", "cpu"}``): it returns
    the executor to use, so that a study on the CPU is not shared out by GPUs.
    """

    def describe(self) -> Mapping[str, Any]:
        """Return what may matter to the figures, as JSON: workers, threads. The study records it.

        ``workers`` is the number of trials that run at once.
        """

    def run(self, trials: Sequence[Trial], listener: Listener) -> Iterator[Outcome]:
        """Run the trials, in any order, and yield one outcome for each as it ends.

        A trial that fails must not keep the others from running, and a worker that dies is a failed
        outcome. Once ``listener.stopping()``: begin no more, let those that run save their state
        (SIGINT does that to a worker), yield them as ``stopped``, and return. When the generator is
        closed, or this process killed, no worker may live on.
        """

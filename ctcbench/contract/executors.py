"""Trial, Outcome, Listener and Executor: the interface between a study and the executor that runs its trials.

Plugins implement `Executor`; the core calls it, and passes it trials and a listener.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol, get_args

from ctcbench.contract.errors import PluginError

State = Literal["done", "failed", "stopped"]
# A message about a worker's progress: {"kind": "training" | "drawing" | "reading" | "epoch" | "notice", …}.
# Of the first three kinds the latest event is enough; every event of the kinds in LASTING_EVENTS is needed.
Event = Mapping[str, Any]
LASTING_EVENTS = ("epoch", "notice")


@dataclass(frozen=True)
class Trial:
    """One model to train or to resume, and every decoding of its log-probabilities.

    Attributes:
        key: the name of its run folder.
        label: its name in progress messages.
        order: a JSON document with all that `ctcbench.carry_out` needs, in this process or another one
            (``python -m ctcbench.study.worker`` reads it on standard input). An executor may add
            ``"threads": n``.
        recipe_key: equal for trials whose trainings differ in their seed only, which
            `ctcbench.TrialGroupProcess` can carry out together; empty: not known.
    """

    key: str
    label: str
    order: Mapping[str, Any]
    recipe_key: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        key: the key of the trial.
        state: ``done``; ``failed``, which is not tried again without ``--retry-failed``; or ``stopped``,
            which is resumed the next time that the study is started.
        error: why it failed, in one line.
        traceback: where it failed.
        seconds: its duration.
        decoder_errors: why decoders failed, by the keys of their results; `error` then has each reason once.

    Raises:
        PluginError: the state is none of these.
    """

    key: str
    state: State
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0
    decoder_errors: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Outcomes come from plugins and, as JSON, from other processes: the type is not checked there.
        if self.state not in (states := get_args(State)):
            raise PluginError(f"the state of an outcome is {self.state!r}; allowed: {', '.join(states)}")

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON document; ``Outcome(**document)`` is its inverse."""
        return asdict(self)


@dataclass(frozen=True)
class Listener:
    """The study's side of a run; an executor calls it from the thread in which its generator runs.

    Attributes:
        tell: ``tell(key, worker, event)`` reports progress of the trial `key`; `worker` is a name.
        stopping: returns whether the user asked to stop; to be called at least once a second.
        cancelled: ``cancelled(key)`` returns whether the trial `key` alone is to be stopped, as a search does
            with a trial that is not promising; to be called at least once a second for each trial that runs.
    """

    tell: Callable[[str, str, Event], None]
    stopping: Callable[[], bool]
    cancelled: Callable[[str], bool]


class Executor(Protocol):
    """What the builder of an executor returns.

    An executor whose number of workers depends on GPUs may have a method ``for_devices(devices)``. It is
    called first, with the values of the setting ``device`` in the study (``{"auto", "cpu"}``), and returns
    the executor to use, so that the number of GPUs does not limit a study on the CPU.
    """

    def describe(self) -> Mapping[str, Any]:
        """Return what may influence the results, as JSON: workers, threads. The study records it.

        ``workers`` is the number of trials that run at the same time.
        """

    def run(self, trials: Iterable[Trial], listener: Listener) -> Iterator[Outcome]:
        """Run the trials, in any order, and yield one outcome for each as it ends.

        `trials` is a list, or an iterator that makes each trial from the outcomes so far: take a trial from
        an iterator only when it can be started at once, and none while ``listener.stopping()`` is True.

        A trial that fails must not prevent the others from running; a worker that dies is a failed
        outcome. Once ``listener.stopping()`` returns True, start no more trials, let those that run save
        their state (SIGINT makes a worker do that), yield them as ``stopped``, and return. Once
        ``listener.cancelled(key)`` returns True, do the same with this trial, and continue with the others.
        No worker may outlive the generator or this process.
        """

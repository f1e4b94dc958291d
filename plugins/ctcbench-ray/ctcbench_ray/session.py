"""Session: the trials of a study on a cluster, from the first that is placed to the last outcome."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from ctcbench import CtcbenchError, Listener, Outcome, Trial, UsageError
from ctcbench.files.atomic import write_text
from ctcbench.files.locks import Busy
from ctcbench_ray import cluster
from ctcbench_ray.going import Going, Lost
from ctcbench_ray.on_ray import Wanted
from ctcbench_ray.same_software import differences, software

_ASK_SECONDS = 0.2
_LOOK_SECONDS = 1.0
_END_SECONDS = 5.0
# Asked for beyond what the cluster holds: a trial that ends makes room for the next without a pause,
# and an autoscaler sees that more nodes are wanted.
_AHEAD = 8
_TOKEN = "ctcbench-ray-"


class Session:
    """Runs trials; as a context it leaves nothing of its own behind on any node."""

    def __init__(self, wanted: Wanted, listener: Listener) -> None:
        self.wanted = wanted
        self.listener = listener
        self.software = software()
        self._waiting: deque[Going] = deque()
        self._active: dict[Any, Going] = {}  # by the one question to its place that is not answered
        self._ending: list[Any] = []
        self._tokens: dict[str, dict[str, str]] = {}
        self._fatal: CtcbenchError | None = None
        self._stopping = False
        self._looked = float("-inf")
        self._no_room_since: float | None = None
        self._places = 1

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs, and clear away."""
        for going in self._active.values():
            going.kill()
        if self._ending:
            with contextlib.suppress(RayError):
                ray.wait(self._ending, num_returns=len(self._ending), timeout=_END_SECONDS)
        for token in self._tokens.values():
            Path(token["path"]).unlink(missing_ok=True)

    def run(self, trials: Sequence[Trial]) -> Iterator[Outcome]:
        """Run the trials, and yield each outcome; see `Executor.run`.

        Raises:
            UsageError: no node can hold a trial, or a node is not fit; what ran is saved.
            CtcbenchError: a run folder can't be written.
        """
        self._waiting.extend(map(Going, trials))
        self._look_at_nodes()
        self._warn_of_idle_gpus()
        while self._active or (self._waiting and not self._stopping):
            self._look_at_nodes()
            if not self._stopping and (self._fatal or self.listener.stopping()):
                self._stopping = True
                for ref in [ref for ref, going in self._active.items() if not going.begun]:
                    self._active.pop(ref).kill()
            while self._waiting and not self._stopping and len(self._active) < self._most():
                self._seek(self._waiting.popleft())
            for ref in self._answers():
                if outcome := self._answered(ref):
                    yield outcome
        if self._fatal:
            raise self._fatal

    def _most(self) -> int:
        return self.wanted.workers or self._places + _AHEAD

    def _answers(self) -> list[Any]:
        if not self._active:
            return []
        found, _ = ray.wait(list(self._active), timeout=_ASK_SECONDS)
        if found:  # and whatever else is there already
            found, _ = ray.wait(list(self._active), num_returns=len(self._active), timeout=0)
        return list(found)

    def _seek(self, going: Going) -> None:
        document = {
            "environment": {k: v for k, v in os.environ.items() if k.startswith("CTCBENCH_")},
            "token": self._token(going.trial.order["out"]),
            "scratch": self.wanted.scratch,
        }
        self._active[going.seek(self.wanted.need, document)] = going

    def _token(self, out: str) -> dict[str, str] | None:
        """Put a file into the study's folder by which a node knows it; None where it need not look."""
        if self.wanted.files == "sent":
            return None
        if out not in self._tokens:
            folder = Path(out) / "studies"
            for stale in folder.glob(f".{_TOKEN}*"):  # of a study that was killed
                stale.unlink(missing_ok=True)
            path, text = folder / f".{_TOKEN}{secrets.token_hex(8)}", secrets.token_hex(16)
            write_text(path, text)
            self._tokens[out] = {"path": str(path), "text": text}
        return self._tokens[out]

    def _answered(self, ref: Any) -> Outcome | None:
        """Go on with a trial whose place has answered or is gone; returns its outcome if it ended."""
        going = self._active.pop(ref)
        try:
            answer = ray.get(ref)
            if not going.begun:
                return self._begin(going, json.loads(answer))
            outcome = going.hear(answer, self.listener)
        except RayTaskError as error:
            return self._refused(going, error)
        except (Lost, RayError) as error:  # a place that can't be reached is as good as gone
            return self._lost(going, error)
        except BaseException:
            going.kill()
            raise
        if outcome is None:
            self._active[going.ask(stop=self._stopping)] = going
        else:
            self._ending.append(going.finish())
        return outcome

    def _begin(self, going: Going, found: Mapping[str, Any]) -> Outcome | None:
        going.host, going.node = found["host"], found["node"]
        others = differences(self.software, found)
        if self._stopping:
            going.kill()
        elif self.wanted.files == "shared" and not found["shared"]:
            where = going.trial.order["out"]
            self._end_with(f"node {going.host} does not see {where}; files=auto sends run folders", going)
        elif others:
            self._end_with(
                f"node {going.host} has other software: {'; '.join(others)}; install the same on every node",
                going,
            )
        else:
            taken = {other.slot for other in self._active.values()}
            going.slot = next(n for n in range(1, len(taken) + 2) if n not in taken)
            try:
                ref = going.begin(self.wanted.need, self.wanted.scratch, shared=found["shared"])
            except Busy as error:
                going.kill()
                return going.ended("stopped", str(error))  # no fault of the configuration
            self._active[ref] = going
        return None

    def _refused(self, going: Going, error: RayTaskError) -> Outcome | None:
        """End a trial, or where its place was only looked at the study, as a node could not do its part."""
        cause = getattr(error, "cause", None) or error
        known = isinstance(cause, CtcbenchError)
        text = str(cause) if known else f"{type(cause).__name__}: {' '.join(str(cause).split())}"
        if not going.begun:
            self._end_with(text, going)
            return None
        outcome = going.ended("failed", f"{going.worker}: {text}", "" if known else str(error))
        going.kill()
        return outcome

    def _lost(self, going: Going, error: Exception) -> Outcome | None:
        """Try a trial again whose worker died, unless that has happened too often."""
        begun, where = going.begun, going.worker
        why = self._why(going, error)
        going.kill()
        if self._stopping:
            return going.ended("stopped") if begun else None
        if "failed to import" in str(error):
            reason = str(error).strip().splitlines()[-1]
            self._end_with(f"a node can't run trials ({reason}); install the same on every node", going)
            return None
        going.losses += 1
        if going.losses > self.wanted.retries:
            times = "" if going.losses == 1 else f" for the {going.losses}th time"
            return going.ended("failed", f"{where} {why}{times} (retries={self.wanted.retries})")
        self._waiting.appendleft(going)
        text = f"{where} {why}; its trial goes on from what it had saved"
        self.listener.tell(going.trial.key, where, {"kind": "notice", "text": text})
        return None

    def _why(self, going: Going, error: Exception) -> str:
        if isinstance(error, Lost):
            return str(error)
        if (
            going.node
            and isinstance(error, RayActorError)
            and all(node.key != going.node for node in cluster.nodes())
        ):
            return "is lost: its node is gone"
        if "low on memory" in str(error):
            return "was ended by Ray, as its node ran low on memory"
        return "died (killed, or out of memory)"

    def _end_with(self, text: str, going: Going) -> None:
        """Stop the study: the next trial would fare no better."""
        going.kill()
        self._fatal = self._fatal or UsageError(f"executor ray: {text}")

    def _look_at_nodes(self) -> None:
        """See how much room there is; none at all, for as long as was to be waited, is an error."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        found = cluster.nodes()
        self._places = cluster.places(self.wanted.need, found)
        if self._places or any(going.begun for going in self._active.values()):
            self._no_room_since = None
            return
        self._no_room_since = now if self._no_room_since is None else self._no_room_since
        if now - self._no_room_since >= self.wanted.wait:
            self._fatal = self._fatal or cluster.no_room(self.wanted.need, found)

    def _warn_of_idle_gpus(self) -> None:
        gpus = sum(node.resources.get("GPU", 0.0) for node in cluster.nodes())
        if gpus and not self.wanted.need.gpus and self._waiting:
            text = f"the cluster has {gpus:g} GPUs, and trials ask for none: ray:gpus=1 gives each one"
            self.listener.tell(self._waiting[0].trial.key, "ray", {"kind": "notice", "text": text})

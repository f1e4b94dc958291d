"""JobFolder: the files by which a study and a job on another node exchange JSON, and nothing else."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import parse_object
from ctcbench.files.plain_files import MIB
from ctcbench.files.plain_folder import PlainFolder

_ALIVE = "alive"
_LIMIT = 64 * MIB  # of a document, or of one event
_AT_ONCE = MIB  # bytes of the events that are read at a time


@dataclass
class JobFolder:
    """The files of one job: its order, its events, its outcome, and a request to stop."""

    path: Path
    _read: int = 0  # bytes of the events that the study has read

    @property
    def _files(self) -> PlainFolder:
        return PlainFolder(self.path)

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        """Write ``order``, ``started`` or ``outcome``, atomically."""
        self._files.write(f"{name}.json", json.dumps(dict(document)).encode())

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a document, None if there is none yet.

        Raises:
            CtcbenchError: it is damaged.
        """
        file = f"{name}.json"
        return (
            parse_object(self._files.read(file, _LIMIT), self.path / file) if self._files.has(file) else None
        )

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Append an event of the trial."""
        with self._files.open_to_append("events.jsonl") as handle:
            os.write(handle, json.dumps(dict(event)).encode() + b"\n")

    def new_events(self) -> Iterator[dict[str, Any]]:
        """Yield the events since the last call; one that is not written completely comes with the next.

        Raises:
            CtcbenchError: an event is too long.
        """
        if not self._files.has("events.jsonl"):
            return
        # The file of a long training has any size; what is new since the last call is little.
        with self._files.open_to_read("events.jsonl", sys.maxsize) as (file, _):
            file.seek(self._read)
            rest = b""
            while read := file.read(_AT_ONCE):
                *lines, rest = (rest + read).split(b"\n")
                for line in lines:
                    self._read += len(line) + 1
                    yield json.loads(line)
                if len(rest) > _LIMIT:
                    raise CtcbenchError(
                        f"{self.path / 'events.jsonl'}: an event has more than {_LIMIT:,} bytes"
                    )

    def request_stop(self) -> None:
        """Ask the job to save the trial's state and end."""
        self._files.write("stop", b"")

    def stop_requested(self) -> bool:
        """Return whether the study asked the job to stop."""
        return self._files.has("stop")


def beat(session: Path, number: int) -> None:
    """Write the heartbeat of a study: a number that grows."""
    PlainFolder(session).write(_ALIVE, str(number).encode())


@dataclass
class Lease:
    """Whether the study of a job is alive: its heartbeat changes within a number of seconds.

    The times are those of this machine, as the clocks of two machines may differ.
    """

    session: Path
    seconds: float
    _last: bytes = b""
    _since: float = field(default_factory=time.monotonic)

    def is_over(self) -> bool:
        """Return whether the study is gone."""
        now = time.monotonic()
        try:
            found = (self.session / _ALIVE).read_bytes()
        except FileNotFoundError:
            return True  # removed at the end of the study, or by its next start
        except OSError:
            found = self._last
        if found != self._last:
            self._last, self._since = found, now
        return now - self._since > self.seconds

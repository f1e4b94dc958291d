"""The worker process of a trial, or of several together: ``python -m ctcbench.study.worker``.

It reads the trial's order on standard input and writes events, then ``{"outcome": …}``, on standard output.
An order ``{"trials": [order, …]}`` is one of several; then it writes ``{"trial": key, "event": …}`` and, when
each ends, ``{"trial": key, "ended": …}``. ``{"stop": key}`` on standard input stops one of them.
"""

# Trials of different settings are in processes of their own: their peak memory is their own, a crash ends no
# other trial, and no locks of torch's threads are inherited by a fork.

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ctcbench.contract.executors import Event, Outcome
from ctcbench.processes.worker_main import Send, serve
from ctcbench.study.trial import carry_out
from ctcbench.study.trial_group import carry_out_together


def main() -> int:
    """Carry out the order on standard input, and return the exit code."""
    cancelled: set[str] = set()

    def handle(order: Mapping[str, Any], send: Send) -> dict[str, Any] | None:
        if "trials" not in order:
            outcome = carry_out(order, send)
            _log(outcome)
            return outcome.to_json()

        def end(outcome: Outcome) -> None:
            _log(outcome)
            send({"trial": outcome.key, "ended": outcome.to_json()})

        def progress(key: str, event: Event) -> None:
            send({"trial": key, "event": dict(event)})

        carry_out_together(order["trials"], progress, end, cancelled=cancelled.__contains__)
        return None

    return serve(handle, lambda message: cancelled.add(str(message["stop"])))


def _log(outcome: Outcome) -> None:
    # On standard error as well, which is the log of a job if a scheduler started the worker.
    sys.stderr.write(outcome.traceback)


if __name__ == "__main__":
    sys.exit(main())

"""The worker process of a trial: ``python -m ctcbench.study.worker``.

It reads the trial's order on standard input and writes events, then ``{"outcome": …}``, on standard output.
"""

# One process per trial: its peak memory is its own, a crash ends no other trial, and no locks of torch's
# threads are inherited by a fork.

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ctcbench.processes.worker_main import Send, serve
from ctcbench.study.trial import carry_out


def main() -> int:
    """Carry out the order on standard input, and return the exit code."""
    return serve(_handle)


def _handle(order: Mapping[str, Any], send: Send) -> dict[str, Any]:
    outcome = carry_out(order, send)
    # On standard error as well, which is the log of a job if a scheduler started the worker.
    if outcome.traceback:
        sys.stderr.write(outcome.traceback)
    return outcome.to_json()


if __name__ == "__main__":
    sys.exit(main())

"""Runs in processes of their own that end by a signal."""

import contextlib
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.fork_server import SERVER

SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it printed."""

    returncode: int
    output: str


def start(log, out, settings, *, resume=False, number=0, at=0, every=1e9):
    """Run `settings` in a process that sends itself the signal `number` after step `at`; 0: none."""
    process = SERVER.Process(target=_run, args=(log, out, settings, resume, int(number), at, every))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
    return Ended(process.exitcode, Path(log).read_text())


def _run(log, out, settings, resume, number, at, every):
    import ctcbench
    from ctcbench.processes.signals import Interrupted
    from ctcbench.training import progress_report
    from ctcbench.training.progress_events import ProgressListener
    from ctcbench.training.runtime import Runtime

    class Killer(ProgressListener):
        def training_advanced(self, progress):
            if progress.step == at and not resume and number:
                os.kill(os.getpid(), number)

        def notice(self, text):
            print("notice:", text)

    progress_report.PROGRESS_SECONDS = -1  # an event after every step
    with Path(log).open("w", buffering=1) as file, contextlib.redirect_stdout(file):
        try:
            runtime = Runtime(Path(out), resume=resume, checkpoint_seconds=every, listener=Killer())
            ctcbench.run(ctcbench.RunConfig(**settings), runtime)
        except Interrupted as error:
            print("interrupted:", error)
            sys.exit(130)
        except Exception:
            traceback.print_exc(file=file)
            sys.exit(1)

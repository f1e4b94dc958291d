"""The entry point of the console script and of ``python -m ctcbench``."""

from __future__ import annotations

import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Exit codes: 0 done, 2 the user's mistake, 130 interrupted, 1 anything else.

    Without `argv` this process is the program: the stop signals are handled for the rest of it, standard
    output and error are replaced, and the arguments are those of the process.
    """
    if argv is not None:
        return _run(argv)
    # First of all, so that a signal during the imports is handled like any other.
    from ctcbench.processes.program_signals import INTERRUPTED, ProgramSignals

    signals = ProgramSignals()
    signals.install()
    try:
        from ctcbench.cli.standard_streams import take_standard_streams

        take_standard_streams()
        signals.watch()  # opens a pipe, which must not get the number of a closed standard descriptor
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:  # while an error was being reported
        code = INTERRUPTED
    signals.finish(code)
    return code


def _run(arguments: list[str]) -> int:
    arguments = arguments or ["--help"]
    try:
        from ctcbench.cli.app import invoke

        code = invoke(arguments)
        sys.stdout.flush()
        return code
    except BaseException as error:
        # First, because the error report needs some of these packages itself.
        from ctcbench.cli.missing_packages import explain_missing_packages

        if line := explain_missing_packages(error):
            print(line, file=sys.stderr)
            return 1
        from ctcbench.cli.app import command_path
        from ctcbench.cli.error_report import report_error

        code = report_error(error, command_path(arguments))
        _leave_process_group(code)
        return code


def _leave_process_group(code: int) -> None:
    """End a program that torchrun started without Python's clean-up."""
    from ctcbench.processes.program_signals import program_signals
    from ctcbench.training.distributed.process_rank import started_by_torchrun

    # The frames of the error hold the process group, whose destructor can wait for the other processes, which
    # have ended: torchrun would kill this one after 30 seconds.
    if program_signals() and started_by_torchrun():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())

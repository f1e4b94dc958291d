"""torchrun in a forked process that has imported torch already, as have the processes that it starts."""

import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

from tests.fork_server import SERVER


def run(arguments, environment, folder, timeout):
    """Run torchrun to its end; standard output and error are files of `folder` meanwhile."""
    outputs = [Path(folder) / name for name in ("stdout", "stderr")]
    process = SERVER.Process(target=_launch, args=(arguments, environment, *outputs))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        raise subprocess.TimeoutExpired(arguments, timeout)
    return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in outputs))


def _launch(arguments, environment, stdout, stderr):
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.subprocess_handler.subprocess_handler import (
        SubprocessHandler,
    )

    for descriptor, path in enumerate((stdout, stderr), start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    _set_environment(environment)
    # Where a release of torch has no such method, torchrun starts each process by Popen as always.
    SubprocessHandler._popen = lambda self, words, env: ForkedPython(words, env)
    _exit_as_python_does(lambda: run.main(arguments))


class ForkedPython:
    """What torchrun needs of a Popen of `python -u …`, with a fork in place of a new interpreter."""

    def __init__(self, words, environment):
        self.returncode = None
        self.pid = os.fork()
        if self.pid == 0:
            _run_python(words, environment)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("python", timeout)
            time.sleep(0.02)
        return self.returncode


def _run_python(words, environment):
    os.setsid()  # torchrun ends the group of a process
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGQUIT, signal.SIG_DFL),
    ):
        signal.signal(number, handler)  # in place of torchrun's
    _set_environment(environment)
    python, unbuffered, *sys.argv = words
    assert (python, unbuffered) == (sys.executable, "-u")
    if sys.argv[0] == "-m":
        _, name, *rest = sys.argv
        sys.argv = [name, *rest]
        _exit_as_python_does(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))
    _exit_as_python_does(lambda: runpy.run_path(sys.argv[0], run_name="__main__"))


def _set_environment(environment):
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [path for path in environment["PYTHONPATH"].split(os.pathsep) if path not in sys.path]


def _exit_as_python_does(action):
    code = 1
    try:
        action()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # A fork has no copy of the threads that the destructors at a usual exit would wait for.
        os._exit(code)

"""Python programs in forks of a server that has imported torch, in place of interpreters that import it."""

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

from tests.fork_server import SERVER

_KEPT = []
_WITH_WORKERS = (["ctcbench", "ablate"], ["ctcbench", "tune"], ["ctcbench", "bench"])


class ForkedPython:
    """A process `python -m arguments` in a session of its own; it has what the tests use of a Popen."""

    def __init__(self, *arguments, env, cwd=None):
        ends = [SERVER.Pipe(duplex=False) for _ in ("standard output", "standard error")]
        words = ["-m", *map(str, arguments)]
        to_child = [child for _, child in ends]
        self._process = SERVER.Process(target=_start_here, args=(words, env, cwd, *to_child), daemon=True)
        self._process.start()
        self.pid = self._process.pid
        for child in to_child:
            child.close()
        self.stdout, self.stderr = (_text_of(own) for own, _ in ends)

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self, timeout=240):
        """Wait until it has ended; return what it wrote on standard output and standard error."""
        with ThreadPoolExecutor(2) as pool:
            texts = [pool.submit(_read, stream) for stream in (self.stdout, self.stderr)]
            self._process.join(timeout)
            ended = self.returncode is not None
            if not ended:
                self.kill()
            printed = tuple(text.result() for text in texts)
        self.stdout.close()
        self.stderr.close()
        if not ended:
            raise subprocess.TimeoutExpired("python", timeout, *printed)
        return printed


def run(*arguments, env=None, cwd=None, timeout=240):
    """Run `python -m arguments` to its end, as `subprocess.run` does."""
    process = ForkedPython(*arguments, env=dict(os.environ) if env is None else env, cwd=cwd)
    printed = process.communicate(timeout)
    return subprocess.CompletedProcess(arguments, process.returncode, *printed)


class ForkingPopen(subprocess.Popen):
    """A Popen of `python …` that forks this process in place of a new interpreter."""

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *more):
        # From Python 3.11 on the last arguments are these; those between concern Windows and users.
        _, _, _, stdin, to_stdin, stdout, to_stdout, stderr, to_stderr, *_, new_session, group = more
        assert args[0] == sys.executable, args
        self.pid = os.fork()
        if self.pid == 0:
            _in_child(args[1:], env, cwd, (stdin, to_stdout, to_stderr), new_session, group)
        self._child_created = True
        self._close_pipe_fds(stdin, to_stdin, stdout, to_stdout, stderr, to_stderr)


def _read(stream):
    return "" if stream.closed else stream.read()


def _text_of(connection):
    with connection:
        return os.fdopen(os.dup(connection.fileno()), encoding="utf-8", errors="replace")


def _start_here(words, environment, cwd, stdout, stderr):
    """Become a Python process; the workers of a study and of torchrun are forks of it. Never return."""
    from torch.distributed.elastic.multiprocessing.subprocess_handler import subprocess_handler

    from ctcbench.processes import worker_process

    # Only these fork, before torch has computed anything in them: a fork has no copy of torch's threads.
    if words[1:3] in _WITH_WORKERS or words[1] == "torch.distributed.run":
        worker_process.subprocess = _ForkingSubprocess
        subprocess_handler.Popen = ForkingPopen
    os.setsid()
    _become(words, environment, cwd, (None, stdout.fileno(), stderr.fileno()))


class _ForkingSubprocess:
    """The names of the module `subprocess` that `ctcbench.processes.worker_process` uses."""

    PIPE, TimeoutExpired, Popen = subprocess.PIPE, subprocess.TimeoutExpired, ForkingPopen


def _in_child(words, environment, cwd, descriptors, new_session, group):
    try:
        if new_session:
            os.setsid()
        elif group >= 0:
            os.setpgid(0, group)
        _become(words, environment, cwd, descriptors)
    finally:
        os._exit(255)  # a fork must never return into the code that made it


def _become(words, environment, cwd, descriptors):
    """Do what a new interpreter would do with this command line and these descriptors; never return."""
    for number, descriptor in enumerate(descriptors):
        if descriptor not in (None, -1):
            os.dup2(descriptor, number)
    # Another process's pipes and locks must not stay open here. The objects that own the numbers are kept
    # alive by the frames below this one, so none of them closes a number that is in use again.
    os.closerange(3, 4096)
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGQUIT, signal.SIG_DFL),
    ):
        signal.signal(number, handler)
    # An old stream that is collected would write what the other process has not flushed yet.
    _KEPT.extend((sys.stdin, sys.stdout, sys.stderr))
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    # Of the variables for an interpreter, the one that a test sets.
    encoding, _, errors = (environment or {}).get("PYTHONIOENCODING", "").partition(":")
    encoding = encoding or "utf-8"
    sys.stdout = os.fdopen(1, "w", encoding=encoding, errors=errors or "strict", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding=encoding, errors="backslashreplace", buffering=1, closefd=False)
    code = 1
    try:
        if cwd is not None:
            os.chdir(cwd)
        _set_environment(os.environ if environment is None else environment)
        _run(words)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        # A fork has no copy of the threads that the destructors at a usual exit would wait for.
        os._exit(code)


def _set_environment(environment):
    import torch

    from ctcbench.processes.cores import computing_cores

    variables = dict(environment)
    os.environ.clear()
    os.environ.update(variables)
    added = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:0] = [path for path in added if path not in sys.path]
    # torch has read the variable in the server already.
    torch.set_num_threads(computing_cores() if variables.get("OMP_NUM_THREADS") else 1)


def _run(words):
    words = [word for word in words if word not in ("-P", "-u")]
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")

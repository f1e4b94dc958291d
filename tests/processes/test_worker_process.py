"""WorkerProcess and serve(): messages, outcomes, errors, and workers that die."""

from __future__ import annotations

import errno
import queue
import textwrap

import pytest

from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.processes.worker_process import WorkerProcess

WORKER = '''
import os, signal, sys
from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.processes.worker_main import serve

class Special(UsageError):
    """A subclass, which the parent does not know."""

def handler(order, send):
    print("a plugin prints")
    send({"number": 1})
    send({"number": 2})
    exec(order["code"])
    return order["returns"]

sys.exit(serve(handler))
'''


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Return ``start(code, returns) -> worker, queue of its messages``."""
    (tmp_path / "some_worker.py").write_text(textwrap.dedent(WORKER))
    monkeypatch.syspath_prepend(str(tmp_path))
    started = []

    def start(code="pass", returns=None):
        messages = queue.SimpleQueue()
        order = {"code": code, "returns": returns}
        started.append(WorkerProcess("some_worker", order, messages.put, threads=1))
        return started[-1], messages

    yield start
    for worker in started:
        worker.end(kill=True)


def received(messages):
    """Return the messages up to None, which must be the last."""
    found = list(iter(lambda: messages.get(timeout=60), None))
    assert messages.empty()
    return found


@pytest.mark.parametrize("outcome", [None, {"digests": ["a", "b"]}])
def test_messages_come_in_order_and_the_outcome_last(start, outcome):
    worker, messages = start(returns=outcome)
    assert received(messages) == [{"number": 1}, {"number": 2}]
    worker.wait()
    worker.end()
    assert worker.finished and worker.outcome == outcome and worker.error is None
    assert worker.stderr == "a plugin prints"


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        ("raise UsageError('of the user')", UsageError, "of the user"),
        ("raise Special('of the user')", UsageError, "of the user"),
        ("raise PluginError('of a plugin')", PluginError, "of a plugin"),
        ("raise CtcbenchError('of another kind')", CtcbenchError, "of another kind"),
    ],
)
def test_errors_of_the_package_reach_the_parent(start, code, kind, text):
    worker, messages = start(code)
    received(messages)
    worker.end()
    assert type(worker.error) is kind and str(worker.error) == text
    assert not worker.finished


def test_an_error_of_the_system_keeps_its_number(start):
    worker, messages = start(f"raise OSError({errno.ENOSPC}, os.strerror({errno.ENOSPC}))")
    received(messages)
    worker.end()
    assert isinstance(worker.error, OSError) and worker.error.errno == errno.ENOSPC


@pytest.mark.parametrize(
    ("code", "description", "stderr"),
    [
        ("1 / 0", "ended with exit code 1", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "ended with exit code 3", "a plugin prints"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL (out of memory?)", ""),
        ("os.kill(os.getpid(), signal.SIGABRT)", "was killed by SIGABRT", ""),
    ],
)
def test_a_worker_that_ends_without_an_outcome_is_described(start, code, description, stderr):
    worker, messages = start(code)
    assert received(messages) == [{"number": 1}, {"number": 2}]
    worker.end()
    assert not worker.finished and worker.error is None
    assert worker.exit_description == description
    assert worker.stderr.endswith(stderr)


def test_an_interrupt_raises_in_the_handler(start):
    worker, messages = start("signal.pause()")
    messages.get(timeout=60)
    worker.interrupt()
    while messages.get(timeout=60) is not None:
        pass
    worker.end()
    assert "KeyboardInterrupt" in worker.stderr and not worker.finished


def test_a_worker_ends_when_its_standard_input_is_closed(start):
    worker, messages = start("signal.pause()")
    messages.get(timeout=60)
    worker.end()
    assert worker.exit_description == "ended with exit code 1" and not worker.finished

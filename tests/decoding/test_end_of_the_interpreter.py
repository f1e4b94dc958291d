"""Decoding while the interpreter ends, and while signals arrive."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

DAEMONS = """
import threading, time
import numpy as np
from ctcbench.decoding import BeamSearchStream, beam_search, best_labelling
log_probs_NTK = np.log(np.random.default_rng(0).dirichlet(np.ones(30), (20, 60)))
def stream():
    frames = BeamSearchStream()
    while True:
        frames.push(log_probs_NTK[0])
def repeat(decode):
    while True:
        decode(log_probs_NTK, threads=2)
for target, arguments in [(repeat, [beam_search]), (repeat, [best_labelling]), (stream, [])]:
    threading.Thread(target=target, args=arguments, daemon=True).start()
time.sleep(0.3)
"""
AT_EXIT = """
import atexit
from ctcbench.decoding import beam_search
atexit.register(lambda: beam_search([[0.0, -1.0]]))
"""


def run_python(program):
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize("program", [DAEMONS, AT_EXIT])
def test_it_ends_without_an_error(program):
    done = run_python(program)
    assert (done.returncode, done.stderr) == (0, "")


INTERRUPTED = """
import _thread, signal, threading
import numpy as np
from ctcbench.decoding import beam_search, beam_search_arrays, best_labelling
# A shell's background job, and so its tests, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Without a stop this would take minutes.
log_probs_TK = np.log(np.random.default_rng(0).dirichlet(np.ones(30), 200))
log_probs_NTK = np.broadcast_to(log_probs_TK, (1_000_000, 200, 30))
for decode in (beam_search, beam_search_arrays, best_labelling):
    for threads in (1, 2):
        threading.Timer(0.2, _thread.interrupt_main).start()
        try:
            decode(log_probs_NTK, threads=threads)
        except KeyboardInterrupt:
            print("interrupted", len(decode(log_probs_NTK[:2], threads=threads)))
"""
HANDLER_DECODES = """
import signal
import numpy as np
from ctcbench.decoding import beam_search
log_probs_TK = np.log(np.random.default_rng(0).dirichlet(np.ones(30), 200))
log_probs_NTK = np.broadcast_to(log_probs_TK, (1_000_000, 200, 30))
def handle(*_):
    print(len(beam_search(log_probs_NTK[:3], threads=2)))
    if handled:
        raise ZeroDivisionError
    handled.append(1)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
handled = []
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    beam_search(log_probs_NTK, threads=2)
except ZeroDivisionError:
    print("raised")
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            INTERRUPTED,
            "interrupted 2\ninterrupted 2\ninterrupted 4\ninterrupted 4\ninterrupted 2\ninterrupted 2\n",
        ),
        pytest.param(
            HANDLER_DECODES,
            "3\n3\nraised\n",
            marks=pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers of POSIX"),
        ),
    ],
)
def test_a_signal_ends_a_call_of_many_sequences(program, expected):
    done = run_python(program)
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)

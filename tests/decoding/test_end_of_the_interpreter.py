"""Decoding while the interpreter ends."""

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


@pytest.mark.parametrize("program", [DAEMONS, AT_EXIT])
def test_it_ends_without_an_error(program):
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.returncode, done.stderr) == (0, "")

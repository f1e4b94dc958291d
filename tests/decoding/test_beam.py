"""beam_search: its results, lengths, threads and imports."""

import ast
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ctcbench.decoding import Hypothesis, beam_search
from ctcbench.decoding.reference import beam_search_reference
from tests.decoding.decoding_cases import log_probs_of


@pytest.fixture
def log_probs_NTK():
    rng = np.random.default_rng(0)
    return np.stack([log_probs_of("noisy", rng, 20, 9) for _ in range(30)])


def test_shape_of_the_result(log_probs_NTK):
    results = beam_search(log_probs_NTK, n_best=3)
    assert len(results) == 30
    assert all(len(result) == 3 and isinstance(result[0], Hypothesis) for result in results)
    assert beam_search(log_probs_NTK[4], n_best=3) == results[4]
    assert all(isinstance(label, int) for label in results[0][0].labels)


def test_n_best_is_a_prefix_of_a_longer_list(log_probs_NTK):
    many = beam_search(log_probs_NTK, n_best=25)
    assert beam_search(log_probs_NTK) == [result[:1] for result in many]
    assert beam_search(log_probs_NTK, n_best=7) == [result[:7] for result in many]


def test_fewer_than_n_best_if_fewer_are_possible():
    log_probs_TK = np.array([[-np.inf, 0.0, -np.inf], [0.0, -np.inf, -np.inf]])
    assert beam_search(log_probs_TK, n_best=20) == [Hypothesis((1,), 0.0, (0,))]


def test_frames_increase_and_lie_in_the_sequence(log_probs_NTK):
    for values_TK, result in zip(log_probs_NTK, beam_search(log_probs_NTK, n_best=25), strict=True):
        for hypothesis in result:
            assert all(a < b for a, b in zip(hypothesis.frames, hypothesis.frames[1:], strict=False))
            assert len(hypothesis.frames) == len(hypothesis.labels)
            assert all(0 <= frame < len(values_TK) for frame in hypothesis.frames)


@pytest.mark.parametrize("decode", [beam_search, beam_search_reference])
def test_without_frames_the_rest_is_the_same(log_probs_NTK, decode):
    some_NTK = log_probs_NTK[:5]
    found = decode(some_NTK, n_best=3, frames=False)
    assert found == [[h._replace(frames=()) for h in result] for result in decode(some_NTK, n_best=3)]


def test_frames_behind_the_length_are_not_read(log_probs_NTK):
    lengths = np.arange(30) % 21
    expected = [beam_search(x[:length]) for x, length in zip(log_probs_NTK, lengths, strict=True)]
    padded = log_probs_NTK.copy()
    padded[np.arange(20) >= lengths[:, None]] = np.nan
    for form in (lengths, lengths.tolist(), lengths.astype(np.uint8), lengths.astype(">i4")):
        assert beam_search(padded, form) == expected
    assert beam_search(padded[5], 5) == beam_search(padded[5], [5]) == expected[5]


def test_results_do_not_depend_on_threads_or_order(log_probs_NTK):
    alone = beam_search(log_probs_NTK, n_best=5, threads=1)
    for threads in (2, 3, 100, None):
        assert beam_search(log_probs_NTK, n_best=5, threads=threads) == alone
    assert beam_search(log_probs_NTK[::-1], n_best=5)[::-1] == alone


def test_empty_inputs():
    assert beam_search(np.zeros((0, 5, 3))) == []
    assert beam_search(np.zeros((0, 0, 3)), []) == []
    assert beam_search(np.zeros((2, 0, 3)), n_best=2) == [[Hypothesis((), 0.0, ())]] * 2
    assert beam_search(np.zeros((0, 3))) == [Hypothesis((), 0.0, ())]
    assert beam_search(np.zeros((2, 4, 3)), [0, 0]) == [[Hypothesis((), 0.0, ())]] * 2
    assert beam_search(np.zeros((4, 1))) == [Hypothesis((), 0.0, ())]  # the blank is the only class


def test_normalize_takes_logits():
    rng = np.random.default_rng(1)
    logits = 3 * rng.normal(size=(4, 10, 6))
    log_probs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    got, expected = beam_search(logits, normalize=True), beam_search(log_probs)
    assert [r[0].labels for r in got] == [r[0].labels for r in expected]
    assert [r[0].log_prob for r in got] == pytest.approx([r[0].log_prob for r in expected])


def test_long_and_improbable_does_not_underflow():
    log_probs_TK = np.full((3000, 3), -1000.0)
    best = beam_search(log_probs_TK, beam_width=4)[0]
    assert -3_000_000 <= best.log_prob < -2_990_000


def test_the_gil_is_released_during_the_search():
    log_probs_TK = log_probs_of("flat", np.random.default_rng(2), 600, 40)
    started = threading.Event()

    def decode():
        started.set()
        beam_search(log_probs_TK, beam_width=300, threads=1)

    worker = threading.Thread(target=decode)
    worker.start()
    started.wait()
    turns = 0
    while worker.is_alive():
        time.sleep(0.001)  # needs the GIL to return
        turns += 1
    # With the GIL held this thread gets a turn or two, before the search and after it.
    assert turns >= 5


def test_calls_from_several_python_threads(log_probs_NTK):
    expected = beam_search(log_probs_NTK, n_best=3)
    found = []
    workers = [
        threading.Thread(target=lambda: found.append(beam_search(log_probs_NTK, n_best=3, threads=2)))
        for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected] * 6


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads as Linux does")
def test_decoding_with_threads_after_a_fork():
    # The threads that decoding keeps between calls are not in the child, which starts its own.
    code = (
        "import os, signal, numpy as np; from ctcbench.decoding import beam_search\n"
        "values = np.log(np.random.default_rng(0).dirichlet(np.ones(9), (64, 20)))\n"
        "decode = lambda threads: beam_search(values, threads=threads)\n"
        "alone = decode(1); assert decode(2) == alone; child = os.fork()\n"
        "before = len(os.listdir('/proc/self/task')); signal.alarm(100); assert decode(2) == alone\n"
        "if not child: os._exit(len(os.listdir('/proc/self/task')) - before)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "1\n", done.stderr


def test_no_package_but_numpy_is_imported():
    code = (
        "import sys; before = set(sys.modules); import ctcbench.decoding.reference;"
        "print({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ast.literal_eval(done.stdout)) == {"ctcbench", "numpy"}

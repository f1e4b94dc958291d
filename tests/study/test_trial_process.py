"""TrialProcess: events, outcomes, stops, and processes that die."""

import contextlib
import os
import queue
import signal

import pytest

from ctcbench import TrialProcess

# A trial that fails at once, because it has nothing to train.
ORDER = {"key": "k", "out": "", "configs": []}


@pytest.fixture
def begin(tmp_path):
    """Return ``begin(**options) -> process, queue of its events``; the processes end with the test."""
    with contextlib.ExitStack() as stack:

        def start(order=ORDER, **options):
            events = queue.SimpleQueue()
            process = TrialProcess({**order, "out": str(tmp_path)}, events.put, **options)
            stack.callback(process.end, kill=True)
            return process, events

        yield start


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_failure_of_a_trial_is_its_outcome(begin):
    process, events = begin()
    assert events.get(timeout=60) is None
    outcome = process.end()
    assert (outcome.key, outcome.state) == ("k", "failed")
    assert outcome.error.startswith("IndexError: ") and "Traceback" in outcome.traceback
    assert outcome.seconds > 0 and process.killed_by == 0
    assert gone(process.pid) and process.end() == outcome  # a second call returns the same


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "was killed by SIGKILL (out of memory?)"), (signal.SIGTERM, "was killed by SIGTERM")],
)
def test_a_killed_process_is_a_failed_outcome(begin, number, words):
    process, events = begin()
    os.kill(process.pid, number)
    assert events.get(timeout=60) is None
    outcome = process.end()
    assert (outcome.state, outcome.error) == ("failed", f"its worker {words}")
    assert process.killed_by == number


def test_the_last_line_of_standard_error_is_quoted(begin, tmp_path):
    (tmp_path / "ctcbench").mkdir()
    (tmp_path / "ctcbench" / "__init__.py").write_text("raise SystemExit('no such luck')")
    process, events = begin(environment={"PYTHONPATH": str(tmp_path)})
    assert events.get(timeout=60) is None
    outcome = process.end()
    assert (outcome.state, outcome.error) == ("failed", "its worker ended with exit code 1: no such luck")


@pytest.mark.parametrize("how", ["as usual", "blocked here", "ignored here"])
def test_a_stop_is_delivered_at_any_moment(begin, how):
    """Also during the imports of the worker, and however this process handles SIGINT."""
    before = signal.getsignal(signal.SIGINT)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT} if how == "blocked here" else set())
    try:
        ignored = how == "ignored here"
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
        # Its images take minutes to draw, so that only a stop ends it.
        process, events = begin(
            {
                **ORDER,
                "configs": [{"dataset": "captcha:width=60,height=24,length=2", "train_samples": 10**6}],
            }
        )
        process.stop()
        process.stop()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    while (event := events.get(timeout=60)) is not None:
        assert event["kind"] in ("drawing", "notice")
    assert process.end().state == "stopped"
    assert gone(process.pid)


def test_the_worker_has_the_given_directory_environment_and_threads(begin, tmp_path):
    package = tmp_path / "elsewhere" / "ctcbench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import os, sys\n"
        "sys.exit(f\"{os.getcwd()} {os.environ['OMP_NUM_THREADS']} {os.environ['CUDA_VISIBLE_DEVICES']}\")"
    )
    process, events = begin(
        threads=3, environment={"PYTHONPATH": str(package.parent), "CUDA_VISIBLE_DEVICES": "7"}, cwd=tmp_path
    )
    assert events.get(timeout=60) is None
    assert process.end().error == f"its worker ended with exit code 1: {tmp_path} 3 7"


def test_a_kill_cuts_the_trial_short(begin):
    process, _ = begin()
    outcome = process.end(kill=True)
    assert outcome.state == "failed" and "SIGKILL" in outcome.error
    assert gone(process.pid)

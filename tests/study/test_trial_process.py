"""Processes that carry out a trial: what is heard of them, and how they end."""

import contextlib
import os
import queue
import signal

import pytest

from ctcbench import TrialProcess

# A trial that fails at once: it has nothing to train.
ORDER = {"key": "k", "out": "", "configs": []}


@pytest.fixture
def begin(tmp_path):
    """Return ``begin(**options) -> process, queue of what is heard``; none is left in the end."""
    with contextlib.ExitStack() as stack:

        def start(order=ORDER, **options):
            heard = queue.SimpleQueue()
            process = TrialProcess({**order, "out": str(tmp_path)}, heard.put, **options)
            stack.callback(process.end, kill=True)
            return process, heard

        yield start


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_trial_s_own_failure_is_its_outcome(begin):
    process, heard = begin()
    assert heard.get(timeout=60) is None
    outcome = process.end()
    assert (outcome.key, outcome.state) == ("k", "failed")
    assert outcome.error.startswith("IndexError: ") and "Traceback" in outcome.traceback
    assert outcome.seconds > 0 and process.killed_by == 0
    assert gone(process.pid) and process.end() == outcome  # asked again, it says the same


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "was killed by SIGKILL (out of memory?)"), (signal.SIGTERM, "was killed by SIGTERM")],
)
def test_a_process_that_dies_is_a_failure_too(begin, number, words):
    process, heard = begin()
    os.kill(process.pid, number)
    assert heard.get(timeout=60) is None
    outcome = process.end()
    assert (outcome.state, outcome.error) == ("failed", f"its worker {words}")
    assert process.killed_by == number


def test_one_that_can_not_start_is_quoted(begin, tmp_path):
    (tmp_path / "ctcbench").mkdir()
    (tmp_path / "ctcbench" / "__init__.py").write_text("raise SystemExit('no such luck')")
    process, heard = begin(environment={"PYTHONPATH": str(tmp_path)})
    assert heard.get(timeout=60) is None
    outcome = process.end()
    assert (outcome.state, outcome.error) == ("failed", "its worker ended with exit code 1: no such luck")


@pytest.mark.parametrize("how", ["as usual", "blocked here", "ignored here"])
def test_a_stop_is_heard_at_any_moment(begin, how):
    """In the middle of its imports too, and whatever this process does about SIGINT."""
    before = signal.getsignal(signal.SIGINT)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT} if how == "blocked here" else set())
    try:
        ignored = how == "ignored here"
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
        # It takes minutes to draw its images: only a stop ends it.
        process, heard = begin(
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
    while (event := heard.get(timeout=60)) is not None:
        assert event["kind"] in ("drawing", "notice")
    assert process.end().state == "stopped"
    assert gone(process.pid)


def test_it_has_a_folder_an_environment_and_threads_of_its_own(begin, tmp_path):
    package = tmp_path / "elsewhere" / "ctcbench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import os, sys\n"
        "sys.exit(f\"{os.getcwd()} {os.environ['OMP_NUM_THREADS']} {os.environ['CUDA_VISIBLE_DEVICES']}\")"
    )
    process, heard = begin(
        threads=3, environment={"PYTHONPATH": str(package.parent), "CUDA_VISIBLE_DEVICES": "7"}, cwd=tmp_path
    )
    assert heard.get(timeout=60) is None
    assert process.end().error == f"its worker ended with exit code 1: {tmp_path} 3 7"


def test_ended_before_its_time_it_is_cut_short(begin):
    process, _ = begin()
    outcome = process.end(kill=True)
    assert outcome.state == "failed" and "SIGKILL" in outcome.error
    assert gone(process.pid)

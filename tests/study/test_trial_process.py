"""TrialProcess and TrialGroupProcess: events, outcomes, stops, and processes that die."""

import contextlib
import os
import queue
import signal

import pytest

from ctcbench import TrialGroupProcess, TrialProcess
from ctcbench.config.recipe import resolve
from tests.tiny_config import tiny

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


@pytest.fixture
def begin_group(tmp_path, registry):
    """Return ``begin_group(**settings) -> process, queue of its events``: two seeds of one configuration."""
    with contextlib.ExitStack() as stack:

        def start(**settings):
            configs = [tiny(seed=seed, device="cpu", **settings) for seed in (0, 1)]
            orders = [
                {
                    "key": resolve(registry, config).train_key,
                    "out": str(tmp_path),
                    "configs": [config.model_dump()],
                }
                for config in configs
            ]
            events = queue.SimpleQueue()
            process = TrialGroupProcess(orders, lambda key, event: events.put((key, event)))
            stack.callback(process.end, kill=True)
            return process, events, [order["key"] for order in orders]

        yield start


def until(events, wanted):
    """Take events until there is one that `wanted` accepts, and return it."""
    while not wanted(*(found := events.get(timeout=60))):
        assert found != ("", None)
    return found


@pytest.mark.landing
def test_one_trial_of_a_group_is_stopped_or_all_are(begin_group):
    process, events, keys = begin_group(epochs=10**6)
    until(events, lambda key, event: key == keys[1] and event and event["kind"] == "training")
    process.stop(keys[0])
    process.stop(keys[0])
    assert until(events, lambda key, event: event is None)[0] == keys[0]
    assert process.outcome_of(keys[0]).state == "stopped"
    with pytest.raises(KeyError):
        process.outcome_of(keys[1])
    until(events, lambda key, event: key == keys[1] and event and event["kind"] == "training")
    process.stop()
    assert until(events, lambda key, event: event is None)[0] == keys[1]
    assert events.get(timeout=60) == ("", None)
    assert [outcome.state for outcome in process.end()] == ["stopped"] * 2
    assert gone(process.pid) and process.killed_by == 0
    process.stop(keys[0])


@pytest.mark.landing
def test_a_group_whose_process_is_killed_has_an_outcome_for_each(begin_group):
    process, events, keys = begin_group(train_samples=10**6)
    os.kill(process.pid, signal.SIGKILL)
    assert events.get(timeout=60) == ("", None)
    outcomes = process.end()
    assert [outcome.key for outcome in outcomes] == keys
    error = "its worker, with 2 trials at once, was killed by SIGKILL (out of memory?)"
    assert {outcome.error for outcome in outcomes} == {error}
    assert process.killed_by == signal.SIGKILL

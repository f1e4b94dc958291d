"""Rules for executors: a description, an outcome for every trial, stopped and cancelled trials.

The orders of most trials are invalid, so that nothing is trained.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.executors import Executor, Listener, Outcome, Trial
from ctcbench.contract.word_lists import join_words
from ctcbench.registry.discovery import load_registry
from ctcbench.testing.case import Case, Rule, reason

_MOST_OUTCOMES = 4
_SECONDS = 60.0  # a worker process imports torch, on a machine that may be busy
# A setting that does not exist: the trial fails before it loads data, and its error has the name.
_UNKNOWN = "setting_of_the_conformance_kit"
_KEYS = ("one", "two")
_STOP_IT = (
    "stop a trial once listener.cancelled(trial.key) is true: TrialProcess.stop(), or carry_out's "
    "argument `stopping`"
)
# A training that does not end by itself within the time of a rule.
_ENDLESS = {
    "train_samples": 4, "val_samples": 1, "test_samples": 1, "batch_size": 4, "epochs": 10**6, "device": "cpu"
}  # fmt: skip


def has_the_methods_of_an_executor(case: Case) -> None:
    """The builder returns an object with the methods describe and run."""
    _require_methods(case, case.build(), "its builder must return")


def describes_itself(case: Case) -> None:
    """describe() returns a JSON mapping with the number of trials that run at once; a study stores it."""
    _require_description(case, _executor(case))


def returns_an_executor_for_devices(case: Case) -> None:
    """for_devices, where it exists, returns an executor for any values of the setting ``device``."""
    chosen = getattr(_executor(case), "for_devices", None)
    if chosen is None:
        return
    rule, remedy = "for_devices must be a method, where there is one", "define it, or leave it out"
    case.require(callable(chosen), rule, type(chosen).__name__, remedy)
    for devices in ({"cpu"}, {"auto"}, {"auto", "cpu"}):
        what = f"for_devices({sorted(devices)})"
        other = case.attempt(f"execute {what}", lambda devices=devices: chosen(devices))  # type: ignore[misc]
        _require_methods(case, other, f"{what} must return")
        _require_description(case, other)


def yields_nothing_for_no_trials(case: Case) -> None:
    """A run of no trials ends at once, without an outcome."""
    found = _run(case, [])
    case.require(
        not found, "a run of no trials must yield no outcome", found, "yield one outcome for each trial"
    )


def yields_an_outcome_for_each_trial(case: Case) -> None:
    """Each trial that fails has one failed outcome with the reason; nothing is raised."""
    found = _run_two(case)
    keys = sorted(outcome.key for outcome in found)
    rule = f"a run must yield an outcome for each of the trials {join_words(_KEYS)}"
    got = f"outcomes of {join_words(keys)}" if keys else "none"
    case.require(keys == sorted(_KEYS), rule, got, "yield the outcome of every trial, failed or not")
    for outcome in found:
        rule, remedy = "a trial that can't be carried out must be failed", "pass on what carry_out returns"
        case.require(outcome.state == "failed", rule, repr(outcome.state), remedy)
        rule = f"the error must be the trial's own, that there is no setting {_UNKNOWN!r}"
        case.require(_UNKNOWN in str(outcome.error), rule, repr(outcome.error), remedy)


def starts_nothing_after_a_stop_request(case: Case) -> None:
    """If the user asked to stop before the start, no trial is started, and the run ends."""
    for outcome in _run_two(case, stop=True):
        rule = "a trial that is not started must be stopped, or have no outcome"
        remedy = "call listener.stopping() before each trial is started"
        case.require(outcome.state in ("stopped", "failed"), rule, repr(outcome.state), remedy)
        rule = "where listener.stopping() is true, no trial may be started"
        started = _UNKNOWN in f"{outcome.error}{outcome.traceback}"
        case.require(not started, rule, f"an error of the trial {outcome.key}", remedy)


def takes_trials_from_an_iterator_when_it_can_start_them(case: Case) -> None:
    """Trials can come from an iterator; one is taken only when a worker is free for it."""
    workers = int(_executor(case).describe()["workers"])
    # One more than workers, which shows whether an executor waits; for many workers that would take long.
    count = workers + 1 if workers <= len(_KEYS) else len(_KEYS)
    ended: list[Outcome] = []
    taken_early: list[int] = []

    def trials(out: Path) -> Iterator[Trial]:
        for number in range(1, count + 1):
            if number - len(ended) > workers:
                taken_early.append(number)
            yield _trial(out, str(number))

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as out:
        found = _run(case, trials(Path(out)), ended=ended)
    rule = f"of an iterator, an executor with workers={workers} must take a trial when a worker is free"
    got = f"trial {taken_early} taken before another had ended"
    case.require(not taken_early, rule, got, "call next() for one trial, and only when it can be started")
    rule, remedy = "each trial of an iterator must have an outcome", "take trials until the iterator ends"
    case.require(len(found) == count, rule, f"{len(found)} of {count}", remedy)


def stops_a_cancelled_trial(case: Case) -> None:
    """A trial for which listener.cancelled(key) is true is stopped; another trial is not affected."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as out:
        endless = _endless_trial(Path(out))
        found = _run(case, [endless, _trial(Path(out), _KEYS[1])], cancel=endless.key)
    states = {outcome.key: outcome.state for outcome in found}
    rule = "a trial that was cancelled must be stopped"
    case.require(states.get(endless.key) == "stopped", rule, repr(states.get(endless.key)), _STOP_IT)
    rule, remedy = "the other trial must have its own outcome, failed", "stop the cancelled trial alone"
    case.require(states.get(_KEYS[1]) == "failed", rule, repr(states.get(_KEYS[1])), remedy)


def _executor(case: Case) -> Executor:
    built: Executor = case.build()
    _require_methods(case, built, "its builder must return")
    return built


def _require_methods(case: Case, built: object, what: str) -> None:
    missing = [name for name in ("describe", "run") if not callable(getattr(built, name, None))]
    rule, remedy = f"{what} an object with the methods describe and run", "see ctcbench.Executor"
    case.require(not missing, rule, f"{type(built).__name__} without {join_words(missing)}", remedy)


def _require_description(case: Case, executor: Executor) -> None:
    described: object = case.attempt("describe itself", executor.describe)
    rule, remedy = "describe() must return a mapping", "return {'workers': …}"
    if not isinstance(described, Mapping):
        case.require(False, rule, type(described).__name__, remedy)
        return
    try:
        # A study stores it in its plan, and JSON has no NaN.
        json.dumps(dict(described), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        rule, remedy = "describe() must return a JSON document", "use texts, finite numbers, lists and dicts"
        case.require(False, rule, reason(error), remedy)
    workers = described.get("workers")
    rule = "describe() must have 'workers', a whole number of at least 1"
    # In Python True is an int.
    sound = isinstance(workers, int) and not isinstance(workers, bool) and workers >= 1
    case.require(sound, rule, repr(workers), "return how many trials run at once")


def _run_two(case: Case, *, stop: bool = False) -> list[Outcome]:
    """Return the outcomes of two trials that can't be carried out, each of its own key."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as out:
        found = _run(case, [_trial(Path(out), key) for key in _KEYS], stop=stop)
    for outcome in found:
        rule, remedy = "run must yield Outcomes", "import it from ctcbench"
        case.require(isinstance(outcome, Outcome), rule, type(outcome).__name__, remedy)
        rule, remedy = "an outcome's key must be that of a trial", "name the trial by trial.key"
        case.require(outcome.key in _KEYS, rule, repr(outcome.key), remedy)
    keys = [outcome.key for outcome in found]
    rule, remedy = "a trial must have one outcome", "yield it when the trial ends, and then no more"
    case.require(len(set(keys)) == len(keys), rule, f"{len(keys)}: {', '.join(keys)}", remedy)
    return found


def _trial(out: Path, key: str) -> Trial:
    order = {"key": key, "out": str(out), "configs": [{_UNKNOWN: 1}], "checkpoint_seconds": 60.0}
    return Trial(key, f"trial {key}", order)


def _endless_trial(out: Path) -> Trial:
    recipe = resolve(load_registry([]), RunConfig(**_ENDLESS))
    order = {"key": recipe.train_key, "out": str(out), "configs": [recipe.config.model_dump()]}
    return Trial(recipe.train_key, "endless trial", order)


def _run(
    case: Case,
    trials: Iterable[Trial],
    *,
    stop: bool = False,
    cancel: str = "",
    ended: list[Outcome] | None = None,
) -> list[Outcome]:
    """Return what a run yields. It runs in a thread, so that one that never ends fails instead of hanging.

    The trial of the key `cancel` is cancelled at its first training event; `ended` receives the outcomes.
    """
    executor = _executor(case)
    found: list[Outcome] = [] if ended is None else ended
    raised: list[BaseException] = []
    reported: list[tuple[str, Any]] = []
    given_up = threading.Event()  # stops a run that has not ended by then
    known = {trial.key: trial for trial in trials} if isinstance(trials, Sequence) else {}
    listener = Listener(
        tell=lambda key, worker, event: reported.append((key, event.get("kind"))),
        stopping=lambda: stop or given_up.is_set(),
        cancelled=lambda key: key == cancel and (key, "training") in reported,
    )

    def run() -> None:
        try:
            outcomes = executor.run(trials, listener)
            # More than there should be: a repeated outcome is found, and an endless generator ends.
            for outcome in itertools.islice(outcomes, _MOST_OUTCOMES):
                found.append(outcome)
            # A study closes the generator too; an iterator of another type has nothing to close.
            if close := getattr(outcomes, "close", None):
                close()
        # An error in a thread would be printed and lost.
        except BaseException as error:
            raised.append(error)

    # A daemon: a run that never ends does not keep pytest alive.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    given_up.set()
    what = f"run {len(trials)} trials" if isinstance(trials, Sequence) else "run the trials of an iterator"
    rule = f"{what}{', one of them cancelled' if cancel else ''}: the run must end"
    remedy = _STOP_IT if cancel else "return when each has its outcome, or when listener.stopping() is true"
    case.require(not thread.is_alive(), rule, f"none after {_SECONDS:.0f} seconds", remedy)
    if raised:
        case.fail(what, raised[0])
    unknown = [key for key, _ in reported if known and key not in known]
    rule, remedy = "listener.tell must be given the key of a trial", "call it with trial.key first"
    case.require(not unknown, rule, unknown, remedy)
    return found


RULES: tuple[Rule, ...] = (
    has_the_methods_of_an_executor,
    describes_itself,
    returns_an_executor_for_devices,
    yields_nothing_for_no_trials,
    yields_an_outcome_for_each_trial,
    starts_nothing_after_a_stop_request,
    takes_trials_from_an_iterator_when_it_can_start_them,
    stops_a_cancelled_trial,
)

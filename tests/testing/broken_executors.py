"""Executors that break one rule each."""

import math
import threading

from ctcbench import Outcome, carry_out
from tests.testing.broken_parts import part_that_breaks


class Here:
    """A sound executor: one trial after the other, in this thread."""

    def describe(self):
        return {"workers": 1}

    def run(self, trials, listener):
        for trial in trials:
            if listener.stopping():
                return
            yield self.outcome(trial, listener)

    def outcome(self, trial, listener):
        return carry_out(
            trial.order,
            lambda event: listener.tell(trial.key, "here", event),
            stopping=lambda: listener.stopping() or listener.cancelled(trial.key),
        )


def breaks(rule, words):
    """Note what a class makes as an executor that breaks a rule."""

    def note(executor):
        made = executor()
        made.__name__ = executor.__name__
        part_that_breaks("executor", rule, words)(made)
        return executor

    return note


@breaks("has_the_methods_of_an_executor", "got Nothing without describe and run")
class Nothing:
    pass


@breaks("describes_itself", "with the methods describe and run; got WithoutRun without run")
class WithoutRun:
    def describe(self):
        return {"workers": 1}


@breaks("describes_itself", "can't describe itself: RuntimeError: no cluster")
class Undescribable(Here):
    def describe(self):
        raise RuntimeError("no cluster")


@breaks("describes_itself", "must return a mapping; got int")
class DescribedByANumber(Here):
    def describe(self):
        return 4


@breaks("describes_itself", "a JSON document; got ValueError")
class WithNotANumber(Here):
    def describe(self):
        return {"workers": 1, "load": math.nan}


@breaks("describes_itself", "a JSON document; got TypeError: Object of type set")
class WithASet(Here):
    def describe(self):
        return {"workers": 1, "nodes": {"a"}}


@breaks("describes_itself", "a whole number of at least 1; got None")
class WithoutWorkers(Here):
    def describe(self):
        return {"threads": 1}


@breaks("describes_itself", "a whole number of at least 1; got 0")
class OfNoWorkers(Here):
    def describe(self):
        return {"workers": 0}


@breaks("returns_an_executor_for_devices", "for_devices must be a method, where there is one; got str")
class ForOneDevice(Here):
    for_devices = "cpu"


@breaks("returns_an_executor_for_devices", "for_devices(['cpu']) must return an object with the methods")
class ForDevicesOnly(Here):
    def for_devices(self, devices):
        return None


@breaks("returns_an_executor_for_devices", "can't execute for_devices(['auto']): KeyError: 'auto'")
class ForKnownDevices(Here):
    def for_devices(self, devices):
        return {"cpu": self}[min(devices)]


@breaks("yields_nothing_for_no_trials", "a run of no trials must yield no outcome")
class WithoutTrials(Here):
    def run(self, trials, listener):
        return iter([Outcome("", "done")])


@breaks("yields_nothing_for_no_trials", "can't run 0 trials: TypeError: 'NoneType' object is not iterable")
class ReturningNothing(Here):
    def run(self, trials, listener):
        pass


@breaks("yields_nothing_for_no_trials", "can't run 0 trials: SystemExit")
class Leaving(Here):
    def run(self, trials, listener):
        raise SystemExit


@breaks("yields_an_outcome_for_each_trial", "can't run 2 trials: RuntimeError: a trial failed")
class Raising(Here):
    def outcome(self, trial, listener):
        raise RuntimeError("a trial failed")


@breaks("yields_an_outcome_for_each_trial", "outcome for each of the trials one and two; got none")
class Forgetting(Here):
    def run(self, trials, listener):
        list(super().run(trials, listener))
        yield from ()


@breaks("yields_an_outcome_for_each_trial", "outcome for each of the trials one and two; got outcomes of one")
class StoppingAtAFailure(Here):
    def run(self, trials, listener):
        yield next(super().run(trials, listener))


@breaks("yields_an_outcome_for_each_trial", "must have one outcome; got 4: one, one, two, two")
class Twice(Here):
    def run(self, trials, listener):
        for outcome in super().run(trials, listener):
            yield outcome
            yield outcome


@breaks("yields_an_outcome_for_each_trial", "must have one outcome; got 4: one, one, one, one")
class Endless(Here):
    def run(self, trials, listener):
        while True:
            yield Outcome(trials[0].key, "failed", "no")


@breaks("yields_an_outcome_for_each_trial", "must yield Outcomes; got dict")
class OfDocuments(Here):
    def outcome(self, trial, listener):
        return super().outcome(trial, listener).to_json()


@breaks("yields_an_outcome_for_each_trial", "must be that of a trial; got 'trial one'")
class NamedByLabel(Here):
    def outcome(self, trial, listener):
        return Outcome(trial.label, "failed", "no")


@breaks("yields_an_outcome_for_each_trial", "must be failed; got 'done'")
class AlwaysDone(Here):
    def outcome(self, trial, listener):
        return Outcome(trial.key, "done")


@breaks("yields_an_outcome_for_each_trial", "no setting 'setting_of_the_conformance_kit'; got ''")
class WithoutAReason(Here):
    def outcome(self, trial, listener):
        return Outcome(trial.key, "failed")


@breaks(
    "yields_an_outcome_for_each_trial", "must be given the key of a trial; got ['trial one', 'trial two']"
)
class TellingOfLabels(Here):
    def outcome(self, trial, listener):
        listener.tell(trial.label, "here", {"kind": "notice", "text": "begun"})
        return super().outcome(trial, listener)


@breaks("starts_nothing_after_a_stop_request", "no trial may be started; got an error of the trial one")
class Unstoppable(Here):
    def run(self, trials, listener):
        return (self.outcome(trial, listener) for trial in trials)


@breaks("starts_nothing_after_a_stop_request", "must be stopped, or have no outcome; got 'done'")
class DoneBefore(Here):
    def run(self, trials, listener):
        return (Outcome(trial.key, "done") for trial in trials)


@breaks("takes_trials_from_an_iterator_when_it_can_start_them", "must take a trial when a worker is free")
class TakingAllAtOnce(Here):
    def run(self, trials, listener):
        return super().run(list(trials), listener)


@breaks("takes_trials_from_an_iterator_when_it_can_start_them", "'generator' object is not subscriptable")
class TakingByNumber(Here):
    def run(self, trials, listener):
        yield self.outcome(trials[0], listener)


@breaks("stops_a_cancelled_trial", "a trial that was cancelled must be stopped; got 'failed'")
class FailingCancelled(Here):
    def outcome(self, trial, listener):
        ended = super().outcome(trial, listener)
        return Outcome(trial.key, "failed", ended.error or "cancelled")


@breaks("stops_a_cancelled_trial", "the other trial must have its own outcome, failed; got None")
class StoppingAll(Here):
    def run(self, trials, listener):
        for trial in trials:
            yield (ended := self.outcome(trial, listener))
            if ended.state == "stopped":
                return


class Hanging(Here):
    """One that runs until it is asked to stop; not in BROKEN, as it takes long."""

    def __init__(self):
        self.ended = threading.Event()

    def run(self, trials, listener):
        while not listener.stopping():
            self.ended.wait(0.01)
        self.ended.set()
        yield from ()

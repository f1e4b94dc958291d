import math

import pytest
import torch

from ctcbench.training.blank_plateau import NOTICE_AFTER
from ctcbench.training.monitor import Monitor, MonitorState, StepDiverged
from ctcbench.training.step_metrics import StepMetrics

GUESSING = 20.0


def watch(blanks, losses=None, flush_every=1):
    monitor, records, notices = Monitor(MonitorState(), flush_every, GUESSING), [], []
    for step, blank in enumerate(blanks, start=1):
        loss = torch.tensor(losses[step - 1] if losses else 1.0)
        monitor.add(
            step, StepMetrics(loss, torch.tensor(blank), torch.tensor(2.0)), records.append, notices.append
        )
    monitor.flush(records.append, notices.append)
    return monitor.state, records, notices


@pytest.mark.parametrize("flush_every", [1, 7])
def test_a_plateau_is_reported_after_200_steps_and_when_that_number_has_doubled(flush_every):
    state, _, notices = watch([True] * (4 * NOTICE_AFTER + 50) + [False], flush_every=flush_every)
    assert [notice.split(": ", 1)[1] for notice in notices] == [
        f"blank plateau: all blank for {NOTICE_AFTER} steps",
        f"blank plateau: all blank for {2 * NOTICE_AFTER} steps",
        f"blank plateau: all blank for {4 * NOTICE_AFTER} steps",
        f"left the blank plateau after {4 * NOTICE_AFTER + 50} steps",
    ]
    assert (state.plateau.steps, state.plateau.longest) == (0, 4 * NOTICE_AFTER + 50)
    assert state.plateau.left_step == 4 * NOTICE_AFTER + 51


def test_a_short_plateau_at_the_start_is_not_reported():
    state, _, notices = watch([False, *[True] * 100, False, True, False])
    assert notices == []
    assert (state.plateau.longest, state.plateau.left_step) == (100, 102)


def test_a_plateau_that_lasts_has_no_step_at_which_it_was_left():
    state, _, _ = watch([False, True, True])
    assert (state.plateau.left_step, state.plateau.blank_steps) == (0, 2)


@pytest.mark.parametrize("flush_every", [1, 4])
def test_records_are_means_of_ten_steps(flush_every):
    _, records, _ = watch(
        [True, *[False] * 24], losses=[float(i) for i in range(25)], flush_every=flush_every
    )
    assert [(r["step"], r["loss"], r["all_blank"], r["grad_norm"]) for r in records] == [
        (10, 4.5, 0.1, 2.0),
        (20, 14.5, 0.0, 2.0),
    ]


@pytest.mark.parametrize("overflow", [False, True])
def test_an_infinite_gradient_stops_training_unless_the_scaler_skips_it(overflow):
    monitor = Monitor(MonitorState(), 1, GUESSING, gradients_overflow=overflow)
    spoiled = StepMetrics(torch.tensor(1.0), torch.tensor(False), torch.tensor(math.inf))
    if overflow:
        monitor.add(1, spoiled, print, print)
        assert monitor.state.window == [[1.0, 0.0, math.inf]]
        return
    with pytest.raises(StepDiverged, match="the gradient is inf at step 1"):
        monitor.add(1, spoiled, print, print)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
@pytest.mark.parametrize("flush_every", [1, 10])
def test_a_loss_that_is_nan_or_infinite_stops_at_its_step(loss, flush_every):
    losses = [1.0] * 25
    losses[13] = loss
    with pytest.raises(StepDiverged) as error:
        watch([False] * 25, losses=losses, flush_every=flush_every)
    assert error.value.step == 14


def test_steps_no_better_than_guessing_are_on_the_plateau():
    """Seen: a few random characters in the last frames, the loss of guessing, and 0 % exact to the end."""
    blanks = [True] * 130 + [False] * 300
    state, _, notices = watch(blanks, losses=[21.0] * 420 + [17.0] * 10)
    assert notices == [
        f"step {NOTICE_AFTER}: blank plateau: blank or no better than guessing for {NOTICE_AFTER} steps "
        "(loss 21.0; guessing has 20.0 nats per image)",
        "step 400: blank plateau: blank or no better than guessing for 400 steps "
        "(loss 21.0; guessing has 20.0 nats per image)",
        "step 421: left the blank plateau after 420 steps",
    ]
    assert (state.plateau.longest, state.plateau.left_step, state.plateau.steps) == (420, 421, 0)


def test_a_checkpoint_keeps_the_plateau():
    monitor = Monitor(MonitorState(), 1, GUESSING)
    monitor.add(1, StepMetrics(torch.tensor(30.0), torch.tensor(False), torch.tensor(2.0)), print, print)
    again = Monitor(MonitorState(), 1, GUESSING)
    again.restore(monitor.checkpoint())
    assert again.state == monitor.state
    assert again.state.plateau.steps == 1


def test_copies_to_the_host_are_evaluated_when_the_next_one_starts_and_by_a_flush():
    events = []

    def fetch(rows):
        number = len([event for event in events if event[0] == "start"])
        events.append(("start", number, len(rows)))
        return lambda: events.append(("wait", number)) or rows

    monitor = Monitor(MonitorState(), 5, GUESSING, fetch=fetch)
    records = []
    for step in range(1, 24):
        monitor.add(
            step,
            StepMetrics(torch.tensor(float(step)), torch.tensor(False), torch.tensor(2.0)),
            records.append,
            print,
        )
    assert events == [
        ("start", 0, 5), ("start", 1, 5), ("wait", 0), ("start", 2, 5), ("wait", 1), ("start", 3, 5),
        ("wait", 2),
    ]  # fmt: skip
    assert [record["step"] for record in records] == [10]
    with pytest.raises(AssertionError, match="flush"):
        monitor.checkpoint()
    monitor.flush(records.append, print)
    assert events[-3:] == [("start", 4, 3), ("wait", 3), ("wait", 4)]
    assert [(record["step"], record["loss"]) for record in records] == [(10, 5.5), (20, 15.5)]
    assert monitor.checkpoint()["loss"] == 23.0

import itertools

import pytest

from ctcbench.training.schedule import ReduceOnPlateau, blank_penalty, learning_rate
from tests.tiny_config import tiny


def rates(steps=100, **settings):
    config = tiny(lr=1.0, **settings)
    return [learning_rate(step, steps, config) for step in range(steps)]


def test_constant_is_constant_after_the_warm_up():
    values = rates(schedule="constant", warmup=0.1)
    assert values[10:] == [1.0] * 90
    assert all(a < b for a, b in itertools.pairwise(values[:11]))
    assert values[0] > 0


def test_no_warm_up_begins_at_the_top():
    assert rates(schedule="constant", warmup=0.0)[0] == 1.0
    assert rates(schedule="cosine", warmup=0.0)[0] == 1.0


@pytest.mark.parametrize(("schedule", "end"), [("cosine", 0.0), ("onecycle", 1e-4)])
def test_falling_schedules_end_near_their_floor(schedule, end):
    values = rates(steps=1000, schedule=schedule, warmup=0.2)
    top = values.index(max(values))
    assert max(values) == pytest.approx(1.0, abs=1e-2)
    assert 195 <= top <= 205
    assert values[-1] == pytest.approx(end, abs=1e-4)
    assert all(a > b for a, b in zip(values[top:], values[top + 1 :], strict=False))


def test_one_cycle_begins_at_a_twenty_fifth():
    assert rates(steps=10_000, schedule="onecycle", warmup=0.5)[0] == pytest.approx(1 / 25, rel=1e-2)


def test_a_short_run_still_has_rates():
    assert all(rate > 0 for rate in rates(steps=1))


def test_the_plateau_halves_after_two_epochs_without_progress_and_survives_a_checkpoint():
    plateau = ReduceOnPlateau()
    scales = []
    for loss in [5.0, 4.0, 4.0, 4.5, 3.0, 3.0, 3.0]:
        plateau.update(loss)
        again = ReduceOnPlateau()
        again.restore(plateau.state())
        assert vars(again) == vars(plateau)
        plateau = again
        scales.append(plateau.scale)
    assert scales == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_an_untouched_plateau_survives_a_checkpoint():
    again = ReduceOnPlateau()
    again.restore(ReduceOnPlateau().state())
    assert vars(again) == vars(ReduceOnPlateau())


def test_the_blank_penalty_stays_or_falls_to_zero():
    def penalties(schedule):
        config = tiny(blank_penalty=4.0, blank_penalty_schedule=schedule)
        return [blank_penalty(step, 100, config) for step in (0, 50, 100)]

    assert penalties("constant") == [4, 4, 4]
    assert penalties("linear") == [4, 2, 0]
    assert penalties("cosine") == pytest.approx([4, 2, 0])

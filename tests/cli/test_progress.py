"""Progress of a run on a terminal and elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from ctcbench.cli.progress import ConsoleProgress, LiveProgress, progress_listener
from ctcbench.training.progress_events import TrainingProgress


def _console(*, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=80, color_system=None, legacy_windows=False
    )


def _text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _at(step: int, exact: float | None = None, blank: int = 0, plateau: int = 0) -> TrainingProgress:
    return TrainingProgress((step - 1) // 10 + 1, 2, step, 20, 12.5, 480.0, 75.0, exact, blank, plateau)


def test_plain_lines_without_a_terminal() -> None:
    console = _console(terminal=False)
    with progress_listener(console) as listener:
        assert type(listener) is ConsoleProgress
        listener.run_started(Path("runs/abc"), "cpu in bfloat16")
        listener.images_drawn("train", 100, 1000)
        listener.images_drawn("train", 200, 1000)
        for step in range(1, 11):
            listener.training_advanced(_at(step))
        listener.images_read("val", 10, 10)
        listener.training_advanced(_at(10, exact=0.25))
        listener.notice("all blank for 900 steps")
        listener.images_read("test", 10, 10)
    lines = _text(console).splitlines()
    assert lines == [
        "runs/abc: training on cpu in bfloat16",
        "preparing train images: 100 of 1,000",
        "epoch 1/2  step 10/20  loss 12.500  validation: exact 25.00 %",
        "all blank for 900 steps",
    ]


def test_a_line_of_a_training_has_the_time_that_is_left() -> None:
    console = _console(terminal=False)
    for at in (_at(1), _at(5, exact=0.25, plateau=300)):
        with progress_listener(console) as listener:
            listener.training_advanced(at)
    assert _text(console).splitlines() == [
        "epoch 1/2  step 1/20  loss 12.500  480 images/s  1 min 15 s left",
        "epoch 1/2  step 5/20  loss 12.500  480 images/s  exact 25.00 %  1 min 15 s left  "
        "blank or no better than guessing for 300 steps",
    ]


def test_a_phase_that_printed_lines_has_a_last_one() -> None:
    console = _console(terminal=False)
    with progress_listener(console) as listener:
        for done in (100, 200, 1000):
            listener.images_drawn("train", done, 1000)
        listener.images_drawn("val", 10, 10)
    with progress_listener(console) as listener:
        for done in (1, 2, 3):  # of a number that is not known
            listener.pictures_predicted(done, None)
    with progress_listener(console) as listener:
        listener.pictures_predicted(1, None)
    assert _text(console).splitlines() == [
        "preparing train images: 100 of 1,000",
        "preparing train images: 1,000 of 1,000",
        "reading pictures: 1",
        "reading pictures: 3",
        "reading pictures: 1",
    ]


def test_a_bar_on_a_terminal() -> None:
    console = _console(terminal=True)
    with progress_listener(console) as listener:
        assert type(listener) is LiveProgress
        listener.training_advanced(_at(15, exact=0.25, blank=120))
        listener.notice("something to know")
    text = _text(console)
    for word in (
        "epoch 2/2",
        "step 15/20",
        "loss 12.500",
        "480 images/s",
        "exact 25.00 %",
        "1 min 15 s left",
    ):
        assert word in text
    assert "all blank for 120 steps" in text and "something to know" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1, "the cursor is shown again"


def test_a_short_plateau_is_not_shown() -> None:
    console = _console(terminal=True)
    with progress_listener(console) as listener:
        listener.training_advanced(_at(3, blank=3))
    assert "all blank" not in _text(console)


def test_a_long_plateau_is_shown() -> None:
    console = _console(terminal=True)
    with progress_listener(console) as listener:
        listener.training_advanced(_at(15, plateau=300))
    assert "blank or no better than guessing for 300 steps" in _text(console)

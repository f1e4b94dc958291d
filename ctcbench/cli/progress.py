"""Progress of a run on standard error: a live bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ctcbench.contract.data import SplitName
from ctcbench.files.text import printable, printable_lines
from ctcbench.reporting.number_format import percent, seconds
from ctcbench.training.distributed.process_rank import read_process_rank
from ctcbench.training.progress_events import ProgressListener, TrainingProgress

# Every training starts with empty outputs, so a plateau is shown only after this many steps.
BLANK_STEPS_SHOWN, PLATEAU_STEPS_SHOWN = 50, 200
_FRAME_SECONDS, _LINE_SECONDS = 0.1, 10.0


def progress_listener(console: Console | None = None) -> ConsoleProgress:
    """Return the listener for standard error (or `console`); of several processes, only rank 0 prints."""
    first = read_process_rank().is_main
    console = console or Console(stderr=True, highlight=False, quiet=not first)
    return LiveProgress(console) if console.is_terminal and first else ConsoleProgress(console)


class ConsoleProgress(ProgressListener):
    """Prints a line at most every ten seconds, at the end of each epoch, and for each notice."""

    every = _LINE_SECONDS

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = float("-inf")
        self._validated = False
        # Of each phase with a printed line that has not ended: that line, and that of its present state.
        self._unfinished: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Self:
        """Start the display."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display; print the last state of what was counted without a known end."""
        for printed, last in self._unfinished.values():
            if error is None and printed != last:
                self._print(Text(last))

    def run_started(self, folder: Path, compute: str) -> None:
        """Print the run folder, the device and the precision."""
        self._print(Text(printable(f"{folder}: training on {compute}"), "dim"))

    def images_drawn(self, split: SplitName, done: int, total: int) -> None:
        """Show how many images of a split are drawn, or read from the files of a folder."""
        self._count(f"preparing {split} images", done, total)

    def images_read(self, split: SplitName, done: int, total: int) -> None:
        """Show how many images of a split the trained model has read."""
        self._validated = self._validated or split == "val"
        self._count(f"reading {split}", done, total)

    def pictures_started(self) -> None:
        """Note the time, so that a command that is soon done shows no progress."""
        self._shown = time.monotonic()

    def pictures_predicted(self, done: int, total: int | None) -> None:
        """Show how many pictures are predicted, of how many if that is known."""
        self._count("reading pictures", done, total)

    def make_room(self) -> None:
        """Remove the bar, if there is one, so that standard output can be printed on the same terminal."""

    def training_advanced(self, progress: TrainingProgress) -> None:
        """Show the state of training; the line of a finished epoch stays."""
        # The event after the validation images were read is the end of an epoch, whose line stays.
        if self._validated:
            self._print_epoch(progress)
        elif self._is_due():
            self._show_training(progress)
        self._validated = False

    def notice(self, text: str) -> None:
        """Print a notice above the bar."""
        self._print(Text(printable_lines(text), "yellow"))

    def error(self, text: str) -> None:
        """Print an error above the bar, after which the command continues."""
        self._print(Text(text))

    def _print_epoch(self, at: TrainingProgress) -> None:
        exact = "" if at.val_exact is None else f"validation: exact {percent(at.val_exact)}"
        text = Text(f"{_where(at)}  loss {at.loss:.3f}  {exact}")
        self._print(text.append(f"  {plateau}" if (plateau := _plateau(at)) else "", "yellow"))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._shown < self.every:
            return False
        self._shown = now
        return True

    def _count(self, what: str, done: int, total: int | None) -> None:
        state = f"{what}: {_counted(done, total)}"
        if done == total:
            # Without an end, a phase that printed lines would seem to hang at its last one.
            if self._unfinished.pop(what, None):
                self._print(Text(state))
        elif self._is_due():
            self._print(Text(state))
            self._unfinished[what] = state, state
        elif what in self._unfinished and total is None:
            self._unfinished[what] = self._unfinished[what][0], state

    def _show_training(self, progress: TrainingProgress) -> None:
        parts = [_state(progress), Text(_time_left(progress)), Text(_plateau(progress))]
        self._print(Text("  ").join(filter(None, parts)))


class LiveProgress(ConsoleProgress):
    """Shows a live progress bar."""

    every = _FRAME_SECONDS

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        # Without rich's refresh thread: the events of a run are frequent enough to redraw the bar, and a
        # thread of Python would compete with the training for the interpreter.
        self._live = Live(console=console, transient=True, auto_refresh=False, redirect_stdout=False)

    def __enter__(self) -> Self:
        """Start the live display."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the live display and show the cursor again."""
        self._live.update("")
        super().__exit__(kind, error, trace)
        self._live.stop()

    def make_room(self) -> None:
        """Remove the bar."""
        self._live.update("", refresh=True)

    def _count(self, what: str, done: int, total: int | None) -> None:
        if done == total:
            self.make_room()
        elif self._is_due():
            self._live.update(_bar(what, done, total, _counted(done, total)), refresh=True)

    def _show_training(self, progress: TrainingProgress) -> None:
        bar = _bar("training", progress.step, progress.steps, _time_left(progress))
        plateau = _plateau(progress)
        lines = [Text(plateau, "yellow")] if plateau else []
        self._live.update(Group(bar, _state(progress), *lines), refresh=True)


def _counted(done: int, total: int | None) -> str:
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"


def _bar(what: str, done: int, total: int | None, right: str) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(no_wrap=True)
    table.add_row(
        Text(what, "bold"),
        ProgressBar(total=None if total is None else max(total, 1), completed=done),
        Text(right),
    )
    return table


def _where(at: TrainingProgress) -> str:
    return f"epoch {at.epoch}/{at.epochs}  step {at.step}/{at.steps}"


def _state(at: TrainingProgress) -> Text:
    text = Text(f"{_where(at)}  loss {at.loss:.3f}  {at.images_per_second:,.0f} images/s")
    if at.val_exact is not None:
        text.append(f"  exact {percent(at.val_exact)}", "green")
    return text


def _time_left(at: TrainingProgress) -> str:
    return f"{seconds(at.seconds_left)} left"


def _plateau(at: TrainingProgress) -> str:
    if at.blank_steps >= BLANK_STEPS_SHOWN:
        return f"all blank for {at.blank_steps:,} steps"
    if at.plateau_steps >= PLATEAU_STEPS_SHOWN:
        return f"blank or no better than guessing for {at.plateau_steps:,} steps"
    return ""

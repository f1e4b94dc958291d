"""The progress of trials on standard error: a line for each notice, and a live view on a terminal."""

from __future__ import annotations

import abc
import time
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from ctcbench.cli.worker_bars import WorkerBars
from ctcbench.contract.executors import Event
from ctcbench.files.text import printable_lines
from ctcbench.study.plan import PlannedModel

_FRAME_SECONDS = 0.1


class TrialProgress:
    """Prints lines, and each notice of the trials once."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shown_notices: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        """Start the view."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the view."""

    def trial_progressed(self, model: PlannedModel, worker: str, event: Event) -> None:
        """Print a notice of a trial; the same text of several trials is printed once.

        One about a step of a training, such as a plateau, is printed for each training.
        """
        if event["kind"] != "notice":
            return
        text = str(event["text"])
        shown = (model.key if text.startswith("step ") else "", text)
        if shown not in self.shown_notices:
            self.shown_notices.add(shown)
            self.notice(f"{model.label}: {text}")

    def notice(self, text: str) -> None:
        """Print a notice."""
        self.print_line(Text(printable_lines(text), "yellow"))

    def print_line(self, text: Text) -> None:
        """Print a line."""
        self.console.print(text, soft_wrap=True)


class LiveTrialProgress(TrialProgress, abc.ABC):
    """Shows a view below the printed lines, with a progress bar for each worker."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.view = LiveTrialView(console)

    def __enter__(self) -> Self:
        """Start the live display."""
        self.view.start()
        self.show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the live display and show the cursor again."""
        self.view.stop()

    def trial_progressed(self, model: PlannedModel, worker: str, event: Event) -> None:
        """Print a notice, or move the bar of a worker."""
        super().trial_progressed(model, worker, event)
        self.view.bars.update(model, worker, event)
        if self.view.is_due:
            self.show()

    @abc.abstractmethod
    def show(self) -> None:
        """Draw the view."""


class LiveTrialView:
    """A view below the printed lines, drawn again at most ten times a second as trials progress.

    Attributes:
        bars: a progress bar for each worker, for the view that is shown.
    """

    def __init__(self, console: Console) -> None:
        # redirect_stdout: rich would otherwise print standard output, which is for the report, above the
        # view.
        self._live = Live(console=console, transient=True, auto_refresh=False, redirect_stdout=False)
        self._shown = 0.0
        self.bars = WorkerBars()

    def start(self) -> None:
        """Start the display."""
        self._live.start()

    def stop(self) -> None:
        """Remove the display and show the cursor again."""
        self._live.update("")
        self._live.stop()

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since the view was drawn."""
        return time.monotonic() - self._shown > _FRAME_SECONDS

    def show(self, view: RenderableType) -> None:
        """Draw the view."""
        self._shown = time.monotonic()
        self._live.update(view, refresh=True)

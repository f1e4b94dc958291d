"""The live view of a search."""

import io
from types import SimpleNamespace

from rich.console import Console

from ctcbench.cli.search_progress import LiveSearchProgress


def test_notices_are_printed_above_a_view_that_is_removed_at_the_end():
    console = Console(
        file=io.StringIO(), force_terminal=True, width=80, color_system=None, legacy_windows=False
    )
    spec, model = SimpleNamespace(trials=4, objective="exact"), SimpleNamespace(key="k", label="trial 1")
    with LiveSearchProgress(spec, console) as progress:
        for _ in range(2):
            progress.trial_progressed(model, "worker", {"kind": "notice", "text": "all blank"})
        for key in "kkl":  # of two trainings
            model = SimpleNamespace(key=key, label="trial 1")
            progress.trial_progressed(model, "worker", {"kind": "notice", "text": "step 200: plateau"})
    text = console.file.getvalue()
    assert "0 trials ended, 4 in all" in text and text.count("trial 1: all blank\n") == 1
    assert text.count("step 200: plateau\n") == 2
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1, "the cursor is shown again"

"""The warning about runs without a manifest, as one line on standard error for all of them."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from ctcbench.files.text import one_line
from ctcbench.results.run_files import UnverifiedRun


@contextlib.contextmanager
def one_line_warnings() -> Iterator[None]:
    """Return a context at whose end one line is printed for all warnings `UnverifiedRun` in it."""
    texts: dict[str, None] = {}
    with warnings.catch_warnings():
        show = warnings.showwarning

        def collect(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, UnverifiedRun):
                texts[str(message)] = None
            else:
                show(message, category, *place, **more)

        warnings.showwarning = collect
        try:
            yield
        finally:
            if texts:
                others = f" (and so for {len(texts) - 1} other runs)" if len(texts) > 1 else ""
                print(f"ctcbench: {one_line(next(iter(texts)))}{others}", file=sys.stderr)

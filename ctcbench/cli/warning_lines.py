"""Warnings for the user as lines on standard error: notices of components, and runs without a manifest."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from ctcbench.contract.errors import ComponentNotice
from ctcbench.files.text import one_line
from ctcbench.results.run_files import UnverifiedRun


@contextlib.contextmanager
def one_line_warnings() -> Iterator[None]:
    """Return a context that prints each `ComponentNotice` as a line, and one line for all `UnverifiedRun`."""
    texts: dict[str, None] = {}
    notices: set[str] = set()
    with warnings.catch_warnings():
        # Also the second time at one line of code: two models can have the same text there.
        warnings.simplefilter("always", ComponentNotice)
        show = warnings.showwarning

        def collect(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, UnverifiedRun):
                texts[str(message)] = None
            elif issubclass(category, ComponentNotice):
                # At once, because a long decoding may follow.
                if str(message) not in notices:
                    print(f"ctcbench: {one_line(str(message))}", file=sys.stderr)
                notices.add(str(message))
            else:
                show(message, category, *place, **more)

        warnings.showwarning = collect
        try:
            yield
        finally:
            if texts:
                others = f" (and so for {len(texts) - 1} other runs)" if len(texts) > 1 else ""
                print(f"ctcbench: {one_line(next(iter(texts)))}{others}", file=sys.stderr)

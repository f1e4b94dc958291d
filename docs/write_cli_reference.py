"""Writes cli.md, the reference of the command line, from the --help of every command; with `-`, prints it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before the imports: rich reads width and colours from the environment, and ctcbench the plugins.
os.environ |= {"CTCBENCH_PLUGINS": "", "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
for _name in ("FORCE_COLOR", "TERMINAL_WIDTH", "TTY_COMPATIBLE", "GITHUB_ACTIONS"):
    os.environ.pop(_name, None)

from ctcbench.cli.app import click_command, invoke  # noqa: E402

_HEADER = """# Command line

Every command with its flags, as `--help` prints them without third-party plugins. This page is written by
`make docs-cli`; a test fails when it is out of date.
"""


def reference() -> str:
    """Return the page."""
    parts = [_HEADER]
    for words in _commands(click_command(), []):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            invoke([*words, "--help"])
        lines = [line.rstrip() for line in printed.getvalue().rstrip().splitlines()]
        parts.append("\n".join([f"## {' '.join(['ctcbench', *words])}", "", "```text", *lines, "```", ""]))
    return "\n".join(parts)


def _commands(command: Any, words: list[str]) -> Iterator[list[str]]:
    """Yield the words of a command and of every command below it."""
    yield words
    for name, sub in getattr(command, "commands", {}).items():
        yield from _commands(sub, [*words, name])


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        sys.stdout.write(reference())
    else:
        Path(__file__).with_name("cli.md").write_text(reference(), encoding="utf-8")

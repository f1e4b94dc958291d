"""docs/cli.md is what its script writes from the help texts."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.skipif(
    tuple(map(int, version("typer").split(".")[:2])) < (0, 29),
    reason="Typer before 0.29 breaks lines elsewhere",
)
def test_the_page_of_the_command_line_is_up_to_date() -> None:
    written = subprocess.run(
        [sys.executable, DOCS / "write_cli_reference.py", "-"], capture_output=True, text=True, check=True
    )
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert written.stdout == page, "run `make docs-cli` and commit docs/cli.md"

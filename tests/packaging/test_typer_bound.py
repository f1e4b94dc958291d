"""The upper bound of typer, whose internals the help uses, admits exactly the releases that are tested."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def test_the_upper_bound_of_typer_is_the_minor_release_after_the_pinned_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (typer,) = [r for r in map(Requirement, project["dependencies"]) if r.name == "typer"]
    (upper,) = (Version(part.version) for part in typer.specifier if part.operator == "<")
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (pinned,) = (Version(line.partition("==")[2]) for line in pins if line.startswith("typer=="))
    assert (upper.major, upper.minor) == (pinned.major, pinned.minor + 1)

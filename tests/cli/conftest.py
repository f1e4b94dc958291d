"""What the tests of the command line share: real processes, real plugins, one small trained run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from ctcbench.cli.installed_plugins import registry
from tests.cli.cli_cases import TINY, Cli, Plugins


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def away_from_home(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("CTCBENCH_CACHE", str(cache))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("CTCBENCH_PLUGINS", "CTCBENCH_TRACEBACK", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    registry.cache_clear()


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run the program in a process of its own, in an empty folder."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ctcbench", *arguments],
            env={**os.environ, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The folder of a run that is done."""
    out = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CTCBENCH_CACHE", str(cache))
        assert main(["run", *TINY, "--out", str(out)]) == 0
    (folder,) = [path for path in out.iterdir() if (path / "config.toml").is_file()]
    return folder


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    folder = tmp_path / "installed"
    folder.mkdir()
    return Plugins(folder)

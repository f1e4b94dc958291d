"""Fixtures of the tests of the command line: the program in this process, plugins, one trained run."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Iterator
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
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command line in this process, in an empty folder, with the plugins as they are at that moment."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        _forget_modules_below(tmp_path)
        registry.cache_clear()
        out, err = io.StringIO(), io.StringIO()
        with (
            monkeypatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            contextlib.chdir(tmp_path),
        ):
            for name, value in environment.items():
                patch.setenv(name, value)
            code = main(list(arguments))
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return run


def _forget_modules_below(folder: Path) -> None:
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


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
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugins]:
    """A folder on the module search path, to put plugin packages into."""
    folder = tmp_path / "installed"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    # A file that is rewritten within the resolution of its time would be loaded from stale bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Plugins(folder)
    _forget_modules_below(tmp_path)
    registry.cache_clear()

"""Installs every package of plugins/ once, into a temporary folder, and runs commands with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked_python
from tests.package_installing import install

ROOT = Path(__file__).parents[2] / "plugins"
# ctcbench-decoder is no plugin: tests/packaging builds it.
PLUGINS = sorted({path.parent.name for path in ROOT.glob("*/pyproject.toml")} - {"ctcbench-decoder"})


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Return ``run(*command) -> CompletedProcess``, in which all plugins are installed beside ctcbench."""
    sources, site = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("site")
    for name in PLUGINS:  # copied, as a build leaves its traces in the source folder
        ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*")
        shutil.copytree(ROOT / name, sources / name, ignore=ignored)
    install(site, *(sources / name for name in PLUGINS))
    environment = {k: v for k, v in os.environ.items() if k != "CTCBENCH_PLUGINS"}
    environment |= {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "COLUMNS": "110"}

    def run(*command, **more):
        return forked_python.run(*command, env=environment | more, cwd=sources)

    def run_in_new_interpreter(*command):
        words = [sys.executable, "-m", *command]
        return subprocess.run(words, env=environment, cwd=sources, capture_output=True, text=True)

    run.sources, run.site, run.in_new_interpreter = sources, site, run_in_new_interpreter
    return run

"""load_registry: the choice of plugins, and that it imports no heavy package."""

import subprocess
import sys

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.registry.discovery import load_registry
from tests.registry.plugin_code import GOOD


def test_ctcbench_plugins_selects_plugins(install, monkeypatch):
    install("good", GOOD.format(name="good"))
    for chosen, loaded in [("good", True), ("", False), (" good ,", True)]:
        monkeypatch.setenv("CTCBENCH_PLUGINS", chosen)
        assert ("good" in load_registry().components("backbone")) is loaded
    monkeypatch.setenv("CTCBENCH_PLUGINS", "goood")
    with pytest.raises(UsageError, match="CTCBENCH_PLUGINS: no plugin 'goood'; did you mean 'good'"):
        load_registry()


def test_loading_imports_neither_torch_nor_numpy():
    code = (
        "import sys; from ctcbench.registry.discovery import load_registry\n"
        "assert load_registry([]).components('backbone')\n"
        "assert not {'torch', 'numpy', 'PIL', 'captcha'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

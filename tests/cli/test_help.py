"""`--help`: complete, as wide as the terminal, and printed without torch or numpy."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from ctcbench.__main__ import main
from ctcbench.cli.setting_flags import THEMES
from ctcbench.config.run_config import flag, setting_fields
from ctcbench.contract.components import KINDS
from ctcbench.registry.discovery import load_registry
from tests.cli.cli_cases import GOOD, Cli, Plugins

HEAVY = "{'torch', 'numpy', 'PIL', 'rapidfuzz', 'safetensors', 'captcha'} & set(sys.modules)"


def test_every_setting_has_a_flag_and_every_component_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    for name, field in setting_fields().items():
        assert re.search(rf"{flag(name)}\b", text), name
        assert (field.description or "").split()[0] in text
    installed = load_registry()
    for kind in KINDS:
        for name, component in installed.components(kind).items():
            assert re.search(rf"\b{name} ", text), name
            for option in component.options:
                assert f"{option}=" in text


def test_themes_name_settings_that_exist() -> None:
    assert set(THEMES) <= set(setting_fields())


LIGHT = ("--help", "run --help", "ablate --help", "plugins", "presets", "report --help")


def test_help_and_lists_import_nothing_heavy() -> None:
    script = f"""
import sys
from ctcbench.__main__ import main
for line in {LIGHT}:
    print(line, main(line.split()), sorted({HEAVY}), file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stderr.splitlines() == [f"{line} 0 []" for line in LIGHT]


def test_a_plugin_appears_in_the_help_and_a_broken_one_is_named(cli: Cli, plugins: Plugins) -> None:
    def text() -> str:
        ended = cli("run", "--help")
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout

    file = plugins.add("good", GOOD.format(name="deep", summary="A deep one."))
    assert "A deep one. [good]" in text()
    file.write_text("import nothing_of_that_name")
    assert "not loaded: good" in text()


def test_the_help_fits_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in (60, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["run", "--help"]) == 0
        widest = max(map(len, capsys.readouterr().out.splitlines()))
        assert columns - 10 < widest <= columns


def test_no_arguments_show_the_help(cli: Cli) -> None:
    assert cli().stdout == cli("--help").stdout != ""
    assert re.fullmatch(r"ctcbench \d+\.\d+\.\d+\S*\n", cli("--version").stdout)

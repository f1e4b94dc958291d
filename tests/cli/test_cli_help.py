"""Help: complete, light, cached, and never stale."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_cases import GOOD, Cli, Plugins

from ctcbench.__main__ import main
from ctcbench.cli.setting_flags import THEMES
from ctcbench.config.run_config import flag, setting_fields
from ctcbench.contract.components import KINDS
from ctcbench.registry.component_registry import load

HEAVY = "{'torch', 'numpy', 'PIL', 'rapidfuzz', 'safetensors', 'captcha'} & set(sys.modules)"


def test_every_setting_has_a_flag_and_every_component_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    for name, field in setting_fields().items():
        assert re.search(rf"{flag(name)}\b", text), name
        assert (field.description or "").split()[0] in text
    installed = load()
    for kind in KINDS:
        for name, component in installed.components(kind).items():
            assert re.search(rf"\b{name} ", text), name
            for option in component.options:
                assert f"{option}=" in text


def test_themes_name_settings_that_exist() -> None:
    assert set(THEMES) <= set(setting_fields())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["ablate", "--help"], ["plugins"], ["presets"], ["report", "--help"]],
)
def test_light_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    script = (
        f"import sys; from ctcbench.__main__ import main; main({arguments!r}); sys.exit(str({HEAVY} or ''))"
    )
    environment = {**os.environ, "CTCBENCH_CACHE": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert ended.stderr.strip() == ""


def test_cached_help_imports_next_to_nothing(tmp_path: Path) -> None:
    script = (
        "import sys; before = set(sys.modules); from ctcbench.__main__ import main; main(['run', '--help']);"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    environment = {**os.environ, "CTCBENCH_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", script]
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True) for _ in range(2)
    )
    assert first.stdout == second.stdout != ""
    assert "typer" in first.stderr.split()
    imported = second.stderr.split()
    assert "ctcbench.cli.help_cache" in imported
    assert not {
        "typer",
        "rich",
        "pydantic",
        "pluggy",
        "json",
        "pathlib",
        "ctcbench.registry.component_registry",
    } & set(imported)


def test_help_follows_a_plugin_that_comes_changes_breaks_and_goes(cli: Cli, plugins: Plugins) -> None:
    def text() -> str:
        ended = cli("run", "--help", **plugins.environment)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert cli("run", "--help", **plugins.environment).stdout == ended.stdout
        return ended.stdout

    assert "[good]" not in text()
    file = plugins.add("good", GOOD.format(name="deep", summary="A deep one."))
    assert "A deep one. [good]" in text()
    file.write_text(file.read_text().replace("A deep one.", "A shallow one."))
    assert "A shallow one. [good]" in text()
    working = file.read_text()
    file.write_text("import nothing_of_that_name")
    assert "not loaded: good" in text()
    file.write_text(working)
    assert "A shallow one. [good]" in text()
    for part in (plugins.folder / "good-1.2.dist-info").iterdir():
        part.unlink()
    (plugins.folder / "good-1.2.dist-info").rmdir()
    assert "[good]" not in text()


def test_another_width_is_another_text(cli: Cli) -> None:
    narrow, wide = cli("run", "--help", COLUMNS="60").stdout, cli("run", "--help", COLUMNS="100").stdout
    assert max(map(len, narrow.splitlines())) <= 60 < max(map(len, wide.splitlines()))
    assert cli("run", "--help", COLUMNS="60").stdout == narrow


def test_a_damaged_or_forbidden_cache_does_no_harm(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    right = cli("run", "--help", CTCBENCH_CACHE=str(folder)).stdout
    files = list((folder / "help").iterdir())
    assert len(files) == 1
    for damage in (b"", b"\xff\xfe", files[0].read_bytes()[:200]):
        files[0].write_bytes(damage)
        assert cli("run", "--help", CTCBENCH_CACHE=str(folder)).stdout == right
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    ended = cli("run", "--help", CTCBENCH_CACHE=str(blocked))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, right, "")


def test_no_arguments_show_the_help(cli: Cli) -> None:
    assert cli().stdout == cli("--help").stdout != ""
    assert re.fullmatch(r"ctcbench \d+\.\d+\.\d+\S*\n", cli("--version").stdout)

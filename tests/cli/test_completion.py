"""Shell completion, by the protocol that the installed script speaks."""

from __future__ import annotations

import shlex

import pytest

from tests.cli.cli_cases import GOOD, Cli, Plugins


def _offers(cli: Cli, line: str, **environment: str) -> list[str]:
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    ended = cli(
        _CTCBENCH_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), **environment
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


@pytest.mark.parametrize(
    "line, expected",
    [
        ("ctcbench ru", "run"),
        ("ctcbench data pre", "preview"),
        ("ctcbench run --back", "--backbone"),
        ("ctcbench run --backbone cnn", "cnn3"),
        ("ctcbench run --head bi", "bilstm2"),
        ("ctcbench run --preset def", "default"),
        ("ctcbench run --shortcut s", "sum"),
        ("ctcbench decode runs/x --decoder ", "beam_cpp"),
        ("ctcbench data describe cap", "captcha"),
    ],
)
def test_bash_completes(cli: Cli, line: str, expected: str) -> None:
    assert expected in _offers(cli, line)


def test_bash_completes_components_of_plugins(cli: Cli, plugins: Plugins) -> None:
    plugins.add("good", GOOD.format(name="deep", summary="A deep one."))
    plugins.add("bad", "raise RuntimeError")
    assert _offers(cli, "ctcbench run --backbone de") == ["deep"]


def test_the_script_is_shown(cli: Cli) -> None:
    ended = cli(_CTCBENCH_COMPLETE="source_bash")
    assert ended.returncode == 0 and "_CTCBENCH_COMPLETE=complete_bash" in ended.stdout

"""docs/walkthrough.md: its commands work in this order, on fewer pictures and for one epoch."""

import re
import shlex

import pytest

from ctcbench.__main__ import main
from tests.docs.pages import DOCS, blocks

PAGE = DOCS / "walkthrough.md"
RUN = "runs/0084f2f0024d"  # the run folder on the page, whose name depends on the settings


def commands():
    lines = "".join(blocks(PAGE, "console")).splitlines()
    return [shlex.split(line.removeprefix("$ ctcbench ").partition(" >")[0]) for line in lines]


@pytest.mark.landing
def test_the_commands_work(tmp_path, monkeypatch, capsys):
    pytest.importorskip("onnxscript", reason="the package onnxscript is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "cache"))
    run, printed = "", []
    for arguments in commands():
        arguments = [run if argument == RUN else argument for argument in arguments]
        if arguments[:2] == ["data", "generate"]:
            arguments[arguments.index("--samples") + 1] = "101"  # names of three digits, as on the page
        if arguments[0] == "run":
            arguments += ["--epochs", "1", "--backbone", "cnn5:width=8"]
        assert main(arguments) == 0, arguments
        out, err = capsys.readouterr()
        printed.append(out + err)
        if arguments[0] == "run" and not run:
            [run] = re.findall(r"^run folder +(\S+)$", out, re.M)
    shown = "\n".join(printed)
    # What the page explains is printed.
    for words in (
        "fit=keep,height=32,width=",
        "deployment  ctcbench export",
        "texts differ",
        "new, with random",
    ):
        assert words in shown, words
    assert (tmp_path / "sheet.png").exists() and "## Use" in (tmp_path / "CARD.md").read_text("utf-8")

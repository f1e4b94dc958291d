"""Control and format characters in labels and file names: escaped in whatever a command prints."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from ctcbench.files.text import is_invisible
from tests.cli.cli_cases import Cli

# Colours by ESC and by the one-byte CSI, a change of direction, a blank of no width, a variation, a joiner.
ODD = ("a\x1b[31mb", "a\x9b31mb", "a\u202eb", "a\u200bb", "a\ufe0fb", "a\u2060b")
SETTINGS = (
    *("--backbone", "cnn2:width=4", "--head", "none", "--decoder", "greedy", "--workers", "1"),
    *("--train-samples", "24", "--val-samples", "6", "--test-samples", "6", "--batch-size", "12"),
    *("--epochs", "1", "--out", "runs"),
)
DATASET = "folder:path=p,width=64,height=16"


def invisible(text: str) -> set[str]:
    return {c for c in text if is_invisible(c) and c != "\n"}


@pytest.fixture
def labelled(tmp_path: Path) -> list[str]:
    """A folder of pictures with odd labels, one of which has an odd name too; the names."""
    (tmp_path / "p").mkdir()
    names = [f"{i}.png" for i in range(39)] + ["odd\x1b[2Jname.png"]
    for name in names:
        Image.new("L", (64, 16), 255).save(tmp_path / "p" / name)
    lines = [f"{name}\t{text}\n" for name, text in zip(names, itertools.cycle(ODD), strict=False)]
    (tmp_path / "p" / "labels.txt").write_text("".join(lines), encoding="utf-8")
    return names


def test_no_command_prints_them(cli: Cli, labelled: list[str], tmp_path: Path) -> None:
    ended = cli("data", "describe", DATASET)
    assert ended.returncode == 0
    assert "training labels have invisible characters: U+001B a control character (as in " in ended.stderr
    assert "U+200B ZERO WIDTH SPACE" in ended.stderr and "and 1 more" in ended.stderr
    assert "\\x1b" in ended.stdout and "\\u200b" in ended.stdout and "\\ufe0f" in ended.stdout
    described = cli("data", "describe", DATASET, "--json")
    assert {"\x1b", "\u200b"} <= set(json.loads(described.stdout)["alphabet"])
    shown = [ended, described, cli("data", "preview", DATASET, "--samples", "40")]
    ran = cli("run", "--dataset", DATASET, *SETTINGS)
    shown += [ran, cli("run", "--dataset", DATASET, *SETTINGS, "--json")]
    run = json.loads(shown[-1].stdout)
    assert set(run["provenance"]["data"]) >= {"train", "val"}
    (config,) = tmp_path.glob("runs/*/config.toml")
    folder = config.parent
    shown.append(cli("predict", str(folder), f"p/{labelled[-1]}"))
    shown.append(cli("predict", str(folder), "p/none\x1b.png"))
    shown += [cli("report", "runs", "--format", name) for name in ("table", "md", "csv", "json", "latex")]
    for ended in shown:
        assert isinstance(ended, subprocess.CompletedProcess)
        assert not invisible(ended.stdout), ended.args
        assert not invisible(ended.stderr), ended.args

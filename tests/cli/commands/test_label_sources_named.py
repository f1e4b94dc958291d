"""What `data describe` and `run` print about labels: their source once, lines at fault, what is left out."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from tests.cli.cli_cases import Cli

SETTINGS = (
    *("--backbone", "cnn2:width=4", "--head", "none", "--decoder", "greedy", "--workers", "1"),
    *("--train-samples", "24", "--val-samples", "6", "--test-samples", "6", "--batch-size", "12"),
    *("--epochs", "1", "--out", "runs"),
)
DATASET = "folder:path=p,width=64,height=16"


def test_the_source_is_named_once_and_lines_at_fault_are_left_out_if_asked(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for number in range(40):
        Image.new("L", (64, 16), 255).save(tmp_path / "p" / f"{number}.png")
    lines = ["file,words", *(f"{n}.png,{'' if n % 13 else chr(34)}{n % 10}" for n in range(38))]
    (tmp_path / "p" / "labels.csv").write_text("\n".join(lines) + "\n")
    refused = cli("run", "--dataset", DATASET, *SETTINGS)
    assert refused.returncode == 2
    assert "p/labels.csv:15: a quote opens at column 8 and does not close on its line" in refused.stderr
    assert refused.stderr.rstrip().endswith("--skip-bad leaves such samples out")
    ran = cli("run", "--dataset", DATASET, *SETTINGS, "--skip-bad", "--json")
    assert ran.returncode == 0, ran.stderr
    for ended in (ran, cli("data", "describe", DATASET, "--skip-bad", "--json")):
        assert ended.stderr.count("labels: labels.csv\n") == 1
        assert ended.stderr.count("not used: 2 pictures not listed (38.png, 39.png)\n") == 1
        assert "samples of 'train' left out:" in ended.stderr
        assert "p/labels.csv:15: a quote opens" in ended.stderr
    described = json.loads(ended.stdout)
    assert described["notices"][0] == "labels: labels.csv"
    assert described["left_out"] >= 1
    assert set(described["alphabet"]) <= set("0123456789")

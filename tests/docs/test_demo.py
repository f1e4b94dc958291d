"""`make demo`: its command with and without a GPU; the figures that it prints are measured ones."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ctcbench.config.presets import preset_names

ROOT = Path(__file__).parents[2]


def test_the_figures_that_the_demo_prints_are_those_of_the_benchmarks() -> None:
    recipe = re.search(
        r"^demo:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert recipe
    shares = re.findall(r"[\d.]+ %", recipe[1])
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert len(shares) == 2
    for share in shares:
        assert f"mean {share.removesuffix(' %')} ±" in benchmarks


@pytest.mark.parametrize("has_gpu", [True, False])
@pytest.mark.parametrize("code", [0, 130])
def test_the_demo_trains_by_the_preset_for_the_machine(tmp_path: Path, has_gpu: bool, code: int) -> None:
    """Stand-ins for Python, which looks for a GPU, and for ctcbench, which prints its arguments."""
    for name, script in (
        ("python", f'case "$2" in *torch.cuda.is_available*) exit {int(not has_gpu)};; esac; exit 9'),
        ("ctcbench", f"echo ran $@; exit {code}"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"BIN={tmp_path}", "--old-file=.venv/installed"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    preset = "--preset fast-gpu" if has_gpu else "--preset fast --budget 60s"
    assert f"ran run --decoder beam_cpp --test-samples 2000 {preset}\n" in done.stdout
    assert f"{tmp_path}/ctcbench run" in done.stderr  # the user sees the command
    assert (done.returncode == 0) is (code == 0)
    assert ("Longer trainings read more" in done.stdout) is (code == 0)
    named = re.findall(r"--preset ([\w-]+)", done.stdout)
    assert len(named) == (3 if code == 0 else 1)
    assert set(named) <= set(preset_names())
    assert ("set +x" in done.stderr) is False

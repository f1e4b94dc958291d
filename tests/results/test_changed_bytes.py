"""Single changed bytes anywhere in a finished run: an error, or the same figures and texts as before."""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import ctcbench
from ctcbench.__main__ import main

PICTURES = np.random.default_rng(0).integers(0, 255, (3, 24, 60), np.uint8)
COMMANDS = ("decode", "report", "show", "verify", "load")  # the first one stores its time, which is reported
# What a single byte can't change without an error, by the file that holds it; a lock file holds nothing.
WITHOUT_CONTENT = (".lock",)


def outcome(run, command):
    """Return the exit code, the figures or texts, and what was printed on standard error."""
    printed, errors = io.StringIO(), io.StringIO()
    if command == "load":
        try:
            predictions = ctcbench.load(run).predict(list(PICTURES))
        except ctcbench.CtcbenchError as error:
            return 1, None, str(error)
        return 0, [(p.text, p.confidence) for p in predictions], ""
    arguments = {
        "report": ["report", str(run), "--format", "json"],
        "decode": ["decode", str(run), "--decoder", "greedy", "--json"],
        "show": ["show", "--config", str(run / "config.toml"), "--json"],
        "verify": ["verify", str(run)],
    }[command]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        code = main(arguments)
    figures = json.loads(printed.getvalue()) if code == 0 and command != "verify" else None
    if command == "decode" and figures:
        figures["cost"].pop("decode_ms_per_image")
    # The lines of `verify` are its output.
    return code, figures, errors.getvalue() + (printed.getvalue() if command == "verify" else "")


def check_flips(finished, tmp_path, count, seed):
    """Flip one bit of `count` bytes, spread evenly over the files, and run a command after each."""
    run = tmp_path / finished.folder.name
    shutil.copytree(finished.folder, run)
    right = {command: outcome(run, command) for command in COMMANDS}
    assert {command: code for command, (code, _, _) in right.items()} == dict.fromkeys(COMMANDS, 0)
    whole = {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}
    files = [path for path, content in whole.items() if content]
    assert {path.name for path in whole.keys() - set(files)} <= set(WITHOUT_CONTENT)
    assert len(files) >= 11
    chance, noticed = random.Random(seed), 0
    for number in range(count):
        path = files[number % len(files)]
        content = bytearray(whole[path])
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        commands = [chance.choice(COMMANDS)] if number % 5 else ["verify", chance.choice(COMMANDS)]
        for command in commands:
            code, figures, errors = outcome(run, command)
            assert "bug in ctcbench" not in errors and "Traceback" not in errors, (path, errors)
            assert code in (0, 1, 2), (path, command, code)
            if code == 0:
                assert figures == right[command][1], (path, command)
                assert command != "verify", f"{path} was changed, and verify did not notice"
            else:
                assert run.name in errors, (path, command, errors)
            noticed += code != 0
        # A decoding may have written its result and the manifest.
        for changed, before in whole.items():
            if not changed.exists() or changed.read_bytes() != before:
                changed.write_bytes(before)
    return noticed


def test_a_hundred_changed_bytes_are_errors_or_have_no_effect(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("CTCBENCH_PLUGINS", "")
    assert check_flips(finished, tmp_path, 110, seed=1) > 50


@pytest.mark.slow
def test_ten_thousand_changed_bytes_are_errors_or_have_no_effect(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("CTCBENCH_PLUGINS", "")
    assert check_flips(finished, tmp_path, 10_000, seed=2) > 4_000


def test_no_file_of_a_run_is_left_out_of_its_manifest(finished):
    covered = json.loads((finished.folder / "manifest.json").read_text())["files"]
    names = {str(path.relative_to(finished.folder)) for path in Path(finished.folder).rglob("*.*")}
    # Releases of filelock differ in whether they remove the file of a lock.
    assert names - set(covered) - {".lock"} == {"manifest.json"}

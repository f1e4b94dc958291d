"""Run folders that a stranger prepared: links, pipes, sockets and sparse files at any place, absurd sizes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from ctcbench.files.manifest import MANIFEST
from ctcbench.results.run_folder import RunFolder
from tests import forked_python

FILES = (
    "config.toml", "metrics.jsonl", "recognizer.json", "weights.safetensors", "summary.json",
    "log_probs/test.safetensors", "log_probs/val.safetensors", "results/greedy.json",
    "predictions/greedy.json", "manifest.json",
)  # fmt: skip


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("CTCBENCH_PLUGINS", "")
    shutil.copytree(finished.folder, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def commands(run, picture):
    return [
        ["verify", str(run.path)],  # first, because `decode` may replace a file
        ["decode", str(run.path), "--decoder", "greedy"],
        ["report", str(run.path), "--format", "csv"],
        ["predict", str(run.path), str(picture)],
        ["show", "--config", str(run.config_path)],
    ]


@pytest.fixture
def picture(tmp_path):
    from PIL import Image

    Image.new("L", (60, 24), 255).save(tmp_path / "p.png")
    return tmp_path / "p.png"


def put(kind, path, victim):
    path.unlink()
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        os.chdir(path.parent)  # the name of a socket is limited to 108 bytes
        socket.socket(socket.AF_UNIX).bind(path.name)
    else:
        with path.open("wb") as file:
            file.truncate(2**43)


@pytest.mark.parametrize("kind", ["link", "pipe", "socket", "sparse"])
@pytest.mark.parametrize("name", FILES)
def test_no_command_follows_waits_or_writes_elsewhere(
    run, picture, capsys, monkeypatch, tmp_path, kind, name
):
    monkeypatch.chdir(tmp_path)
    victim = tmp_path / "victim"
    victim.write_bytes((run.path / name).read_bytes())
    put(kind, run.path / name, victim)
    monkeypatch.chdir(tmp_path)
    before, codes = victim.read_bytes(), []
    for command in commands(run, picture):
        codes.append(main(command))
        shown = "".join(capsys.readouterr())
        assert "bug in ctcbench" not in shown
        assert codes[-1] == 0 or Path(name).name in shown
    assert codes[0], "verify notices it"
    assert victim.read_bytes() == before
    assert set(codes) <= {0, 1, 2}


@pytest.mark.parametrize("name", ["log_probs", "results", "predictions"])
def test_linked_folders_are_neither_read_nor_cleaned_nor_written(run, capsys, tmp_path, name):
    victim = tmp_path / "victim"
    shutil.move(run.path / name, victim)
    (victim / ".mine.tmp").write_text("mine")
    (run.path / name).symlink_to(victim)
    before = {path: path.read_bytes() for path in victim.iterdir()}
    assert main(["decode", str(run.path), "--decoder", "beam_cpp"]) in (1, 2)
    assert f"{name}: is a symbolic link" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in victim.iterdir()} == before


@pytest.mark.parametrize("name", [".lock", ".lock.holder"])
@pytest.mark.parametrize("how", ["soft", "hard"])
def test_links_in_the_place_of_a_lock_leave_their_targets(run, tmp_path, name, how):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (run.path / name).unlink(missing_ok=True)
    (os.symlink if how == "soft" else os.link)(victim, run.path / name)
    code = main(["decode", str(run.path), "--decoder", "greedy"])
    assert code == 1 if name == ".lock" else code in (0, 1)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("recognizer.json", {"alphabet": "".join(map(chr, range(0x10000, 0x28000)))}, "alphabet"),
        ("recognizer.json", {"alphabet": "".join(map(chr, range(0x100, 0x200)))}, "its alphabet"),
        ("recognizer.json", {"image": {"height": 10**9, "width": 60, "channels": 1}}, "image.height"),
        ("recognizer.json", {"image": {"height": 65536, "width": 65536, "channels": 1}}, "pixels"),
        ("recognizer.json", {"image": {"height": 24, "width": 60, "channels": 1, "crop": 0.6}}, "image.crop"),
        (
            "recognizer.json",
            {"image": {"height": 24, "width": 60, "channels": 1, "ground": "x"}},
            "image.ground",
        ),
        ("config.toml", b"bigru1:width=8,dropout=0.1|bigru2:width=1024,dropout=0.1", "not the weights"),
    ],
)
def test_sizes_are_compared_before_anything_is_built(run, picture, capsys, name, change, words):
    (run.path / MANIFEST).unlink()  # as a stranger could
    path = run.path / name
    if isinstance(change, bytes):
        old, _, new = change.partition(b"|")
        assert old in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(old, new))
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | change), encoding="utf-8")
    assert main(["predict", str(run.path), str(picture)]) == 1
    assert words in capsys.readouterr().err


VALUES = [
    ("host", "x"),
    ("host", {"cores": "x"}),
    ("data", "x"),
    ("data", {"images": "abc"}),
    ("data", {"left_out": {"test": "x"}}),
    ("training", {"plateau_steps_at_end": "x"}),
    ("training", {"steps": "x"}),
    ("training", {"best_val_exact": "x"}),
]


@pytest.mark.parametrize("name", ["summary.json", "results/greedy.json"])
@pytest.mark.parametrize(("part", "value"), VALUES, ids=map(str, VALUES))
def test_values_of_a_wrong_type_are_named_with_their_file(run, picture, capsys, name, part, value):
    (run.path / MANIFEST).unlink()
    path = run.path / name
    document = json.loads(path.read_text())
    parts = document["provenance"] if name.startswith("results") else document
    parts[part] = {**parts[part], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(document))
    _, decoding, reporting, *_ = commands(run, picture)
    assert main(decoding if name == "summary.json" else reporting) == 1
    shown = capsys.readouterr().err
    key = part if isinstance(value, str) else f"{part}.{next(iter(value))}"
    assert f"{path}: " in shown and f"{key}" in shown and "bug in ctcbench" not in shown


@pytest.mark.parametrize("how", ["deleted", pytest.param("moved", marks=pytest.mark.landing)])
def test_a_run_folder_that_vanishes_in_training_ends_it(tmp_path, own_cache, how):
    command = [
        "ctcbench", "run", "--out", str(tmp_path / "runs"),
        "--backbone", "cnn2:width=8", "--head", "none",
        "--dataset", "captcha:width=60,height=24,length=2,alphabet=digits",
        "--train-samples", "64", "--val-samples", "8", "--test-samples", "8", "--epochs", "100000",
    ]  # fmt: skip
    env = {**os.environ, "CTCBENCH_PLUGINS": "", "PYTHONPATH": str(Path(__file__).parents[2])}
    training = forked_python.ForkedPython(*command, env=env)
    try:
        while not (found := list((tmp_path / "runs").glob("*/checkpoint.safetensors"))):
            assert training.poll() is None
            time.sleep(0.05)
        folder = found[0].parent
        folder.rename(tmp_path / "elsewhere")
        # The training may replace a file of it at the same time.
        while how == "deleted" and (tmp_path / "elsewhere").exists():
            shutil.rmtree(tmp_path / "elsewhere", ignore_errors=True)
        _, errors = training.communicate(timeout=120)
    finally:
        training.kill()
    assert training.returncode == 1, errors
    assert "the folder was deleted, moved or replaced" in errors
    assert not folder.exists()

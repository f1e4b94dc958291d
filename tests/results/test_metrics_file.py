"""metrics.jsonl: appending, incomplete and damaged lines, truncating, full disks."""

import json
import math
import os
import subprocess
import sys

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.results import metrics_file

RECORDS = [{"step": i, "loss": 1 / (i + 1), "text": "é·\n"} for i in range(5)]


def read(path):
    return metrics_file.parse(path.read_bytes(), path)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for record in RECORDS:
        metrics_file.append(PlainFolder(path.parent), record)
    return path


def test_records_are_one_line_each(path):
    assert read(path) == RECORDS
    assert path.read_bytes().count(b"\n") == 5


def test_an_incomplete_last_line_is_dropped_and_appending_continues(path):
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        # A record that lacks its line break alone is whole.
        complete = next(i for i in range(6) if i == 5 or size < sum(map(len, lines[: i + 1])) - 1)
        assert read(path) == RECORDS[:complete]
        metrics_file.append(PlainFolder(path.parent), {"step": 99})
        assert read(path) == [*RECORDS[:complete], {"step": 99}]


@pytest.mark.parametrize("tail", [b"\0" * 100, b"[1, 2]\n", b"3", b"\xff\n", b"[" * 50_000])
def test_a_damaged_last_line_is_left_out(path, tail):
    with path.open("ab") as file:
        file.write(tail)
    assert read(path) == RECORDS


def test_a_damaged_line_in_the_middle_is_an_error_with_its_number(path):
    lines = path.read_bytes().splitlines(keepends=True)
    for rubbish in (b"{\n", b"\n", b"[]\n"):
        path.write_bytes(b"".join([*lines[:2], rubbish, *lines[2:]]))
        with pytest.raises(CtcbenchError, match=r"metrics\.jsonl: line 3 is damaged"):
            read(path)


def test_truncating_removes_the_records_past_a_step(path):
    metrics_file.append(PlainFolder(path.parent), {"event": "stopped"})
    metrics_file.append(PlainFolder(path.parent), {"step": "odd"})
    metrics_file.truncate(PlainFolder(path.parent), 2)
    assert read(path) == [*RECORDS[:3], {"event": "stopped"}, {"step": "odd"}]
    metrics_file.truncate(PlainFolder(path.parent), -1)
    assert read(path) == [{"event": "stopped"}, {"step": "odd"}]
    path.unlink()
    metrics_file.truncate(PlainFolder(path.parent), 3)
    assert not list(path.parent.iterdir())


def test_a_number_that_is_not_finite_becomes_null(path):
    metrics_file.append(PlainFolder(path.parent), {"step": 5, "loss": math.nan, "norm": math.inf})
    assert read(path)[-1] == {"step": 5, "loss": None, "norm": None}


def test_a_full_disk_leaves_no_incomplete_line(tmp_path, ctcbench_env):
    path = tmp_path / "metrics.jsonl"
    code = (
        "import pathlib, resource, sys\n"
        "from ctcbench.contract.errors import UsageError\n"
        "from ctcbench.files.plain_folder import PlainFolder\n"
        "from ctcbench.results import metrics_file\n"
        "folder = PlainFolder(pathlib.Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    for step in range(100): metrics_file.append(folder, {'step': step})\n"
        "except UsageError as error: print(error); sys.exit(0)\n"
        "sys.exit('no error')\n"
    )
    printed = subprocess.check_output(
        [sys.executable, "-c", code, str(tmp_path)], env=ctcbench_env, text=True
    )
    assert printed.startswith(f"{path}: can't be written")
    lines = path.read_text().splitlines(keepends=True)
    assert all(line.endswith("\n") for line in lines)
    assert [json.loads(line)["step"] for line in lines] == list(range(len(lines)))
    assert 50 < len(lines) < 100


def test_a_folder_in_its_place_is_an_error(tmp_path):
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(CtcbenchError, match=r"metrics\.jsonl: is a folder"):
        metrics_file.append(PlainFolder(tmp_path), {"step": 1})


def test_appending_to_a_hard_link_leaves_the_other_file(path):
    other = path.with_name("other.jsonl")
    os.link(path, other)
    before = other.read_bytes()
    metrics_file.append(PlainFolder(path.parent), {"step": 99})
    assert read(path) == [*RECORDS, {"step": 99}] and other.read_bytes() == before

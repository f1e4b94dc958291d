"""Files that the user names to be written: links are followed, pipes stay pipes, folders are not made."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from ctcbench.contract.errors import UsageError
from ctcbench.files.atomic import write_named
from tests.reporting.report_cases import a_run


def test_a_new_file_and_an_old_one_are_written_whole(tmp_path):
    path = tmp_path / "report.md"
    write_named(path, b"one, and long")
    write_named(path, b"two")
    assert path.read_bytes() == b"two" and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path, there):
    target, link = tmp_path / "target", tmp_path / "link"
    if there:
        target.write_text("old")
    link.symlink_to("target")
    write_named(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"


def test_a_pipe_stays_one_and_is_written(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for path in (pipe, link):
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)  # noqa: B023
        reader.start()
        write_named(path, b"x" * 100_000)
        reader.join(10)
        assert read == [b"x" * 100_000] and pipe.is_fifo()


def test_what_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "no" / "file")
    for name, said in {
        "": "directory",
        "file/x": "Not a directory",
        "loop": "links",
        "no/x": f"no folder {tmp_path / 'no'}",
        "dangling": f"no folder {tmp_path / 'no'}",
    }.items():
        with pytest.raises(UsageError, match=said):
            write_named(tmp_path / name, b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "file", "loop"]


def test_a_report_goes_where_it_is_to_go(tmp_path, capsys):
    a_run(runs := tmp_path / "runs")
    link = tmp_path / "link.md"
    link.symlink_to("report.md")
    assert main(["report", str(runs), "--format", "md", "-o", str(link)]) == 0
    assert link.is_symlink() and "| exact % |" in (tmp_path / "report.md").read_text()
    capsys.readouterr()
    missing = tmp_path / "mistyped" / "report.md"
    assert main(["report", str(runs), "--format", "md", "-o", str(missing)]) == 2
    assert f"{missing}: no folder {missing.parent} to write it in" in capsys.readouterr().err
    assert not missing.parent.exists()


def test_a_preview_is_not_drawn_for_a_folder_that_is_not_there(tmp_path, capsys):
    missing: Path = tmp_path / "mistyped" / "sheet.png"
    assert main(["data", "preview", "nothing-of-that-name", "--out", str(missing)]) == 2
    assert "no folder" in capsys.readouterr().err and not missing.parent.exists()

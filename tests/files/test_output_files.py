"""Output files: links are followed, pipes are written to, folders are not created."""

from __future__ import annotations

import os
import threading

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.files.manifest import format_manifest
from ctcbench.files.output_files import require_output, write_output


def test_a_file_is_created_and_replaced(tmp_path):
    path = tmp_path / "report.md"
    write_output(path, b"one, and long")
    write_output(path, b"two")
    assert path.read_bytes() == b"two" and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("exists", [True, False])
def test_the_target_of_a_link_is_written(tmp_path, exists):
    target, link = tmp_path / "target", tmp_path / "link"
    if exists:
        target.write_text("old")
    link.symlink_to("target")
    write_output(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"


def test_a_pipe_is_written_to_directly(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for path in (pipe, link):
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)  # noqa: B023
        reader.start()
        write_output(path, b"x" * 100_000)
        reader.join(10)
        assert read == [b"x" * 100_000] and pipe.is_fifo()


def test_the_error_for_an_unwritable_path_names_the_reason(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "no" / "file")
    for name, message in {
        "": "Is a directory|is a folder",
        "file/x": "Not a directory",
        "loop": "links",
        "no/x": f"no folder {tmp_path / 'no'}",
        "dangling": f"no folder {tmp_path / 'no'}",
    }.items():
        with pytest.raises(UsageError, match=message):
            require_output(tmp_path / name)
        with pytest.raises(UsageError, match=message):
            write_output(tmp_path / name, b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "file", "loop"]


def test_an_output_file_is_none_of_the_files_that_are_read(tmp_path):
    (tmp_path / "read").write_text("texts")
    (tmp_path / "link").symlink_to("read")
    for out in ("read", "link", "../" + tmp_path.name + "/read"):
        with pytest.raises(UsageError, match="is the file to read; name another one to write"):
            require_output(tmp_path / out, None, tmp_path / "missing", tmp_path / "read")
    require_output(tmp_path / "new", None, tmp_path / "missing", tmp_path / "read")


def test_a_check_of_an_output_file_leaves_it_as_it_is(tmp_path):
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.write_text("old")
    os.mkfifo(pipe)
    for path in (file, pipe, tmp_path / "new", tmp_path / ("a" * 255)):
        require_output(path)
    assert file.read_text() == "old" and sorted(tmp_path.iterdir()) == [file, pipe]
    with pytest.raises(UsageError, match="choose a shorter name"):
        require_output(tmp_path / ("a" * 256))


def test_files_of_a_run_are_not_replaced(tmp_path):
    run = tmp_path / "run"
    (run / "results").mkdir(parents=True)
    for name in ("config.toml", "results/a.json", "report.html"):
        (run / name).write_text("kept")
    (run / "manifest.json").write_bytes(
        format_manifest({"config.toml": ("0" * 64,), "results/a.json": ("0" * 64,)})
    )
    (tmp_path / "link.toml").symlink_to(run / "config.toml")
    for path in (run / "config.toml", run / "results/a.json", run / "manifest.json", tmp_path / "link.toml"):
        with pytest.raises(UsageError, match="is a file of a run, which can't be read without it"):
            require_output(path)
    require_output(run / "report.html")
    # A manifest of another program protects nothing.
    (run / "manifest.json").write_text("{}")
    require_output(run / "config.toml")

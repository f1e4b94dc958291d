"""Atomic writes: the old file or the new one, and no temporary file in either case."""

from __future__ import annotations

import errno
import os

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.files.atomic import atomic_path, unwritable, write_text
from ctcbench.files.plain_folder import PlainFolder


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_text(path, "old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old" and temporary.parent == path.parent
    assert path.read_text() == "new" and list(path.parent.iterdir()) == [path]


def test_an_exception_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_the_permissions_are_those_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file.txt", "")
    finally:
        os.umask(before)
    assert (tmp_path / "file.txt").stat().st_mode & 0o777 == 0o640


def test_an_unwritable_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"can't be written \(.+\); name another folder"):
        write_text(tmp_path / "file" / "below", "")


def test_the_error_for_a_full_disk_says_to_free_space(tmp_path):
    error = unwritable(tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert "(No space left on device); free space there or name another folder" in str(error)


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127])
def test_a_file_with_the_longest_name_is_written(tmp_path, name):
    write_text(tmp_path / name, "new")
    assert (tmp_path / name).read_text() == "new" and len(list(tmp_path.iterdir())) == 1
    PlainFolder(tmp_path).write(name, b"newer")
    assert (tmp_path / name).read_text() == "newer" and len(list(tmp_path.iterdir())) == 1


def test_the_error_for_a_name_that_is_too_long_says_to_shorten_it(tmp_path):
    with pytest.raises(UsageError, match=r"\(File name too long\); choose a shorter name"):
        write_text(tmp_path / ("a" * 256), "")

"""Files that the user names: links to plain files are followed, everything else is refused."""

import os

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.files.plain_files import read_named_file


def test_a_plain_file_and_a_link_to_it_are_read(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"x = 1")
    (tmp_path / "link").symlink_to(tmp_path / "a.toml")
    assert read_named_file(tmp_path / "a.toml", 10) == read_named_file(tmp_path / "link", 10) == b"x = 1"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_other_files_are_refused_without_waiting(tmp_path, kind):
    path = tmp_path / "a.toml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(UsageError, match=rf"a\.toml: is a {kind}"):
        read_named_file(path, 10)


def test_a_missing_or_a_large_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"a\.toml: can't be read \(No such file"):
        read_named_file(tmp_path / "a.toml", 10)
    (tmp_path / "a.toml").write_bytes(b"x" * 11)
    with pytest.raises(UsageError, match="has 11 bytes, but such a file may have 10 at most"):
        read_named_file(tmp_path / "a.toml", 10)

"""PlainFolder: links, pipes and devices at every place of a name, hard links, and folders that vanish."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.plain_files import NotPlain
from ctcbench.files.plain_folder import PlainFolder

LIMIT = 1000


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    return PlainFolder(tmp_path / "run")


@pytest.fixture
def victim(tmp_path):
    """A folder outside with a file, which must stay as they are."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "a.json").write_text("precious")
    yield tmp_path / "victim"
    assert [path.name for path in (tmp_path / "victim").iterdir()] == ["a.json"]
    assert (tmp_path / "victim" / "a.json").read_text() == "precious"


def make_link(path):
    path.symlink_to(path.parent.parent / "victim" / "a.json")


def make_socket(path):
    os.chdir(path.parent)  # the name of a socket is limited to 108 bytes
    socket.socket(socket.AF_UNIX).bind(path.name)


OTHER_KINDS = {
    "a symbolic link": make_link,
    "a pipe": os.mkfifo,
    "a socket": make_socket,
    "a folder": os.mkdir,
}


def test_what_is_written_is_read_back_and_listed(folder):
    folder.write("a.json", b"old")
    folder.write("sub/inner/b.json", b"x")
    folder.write("a.json", b"new")
    assert folder.read("a.json", LIMIT) == b"new"
    assert folder.read("sub/inner/b.json", LIMIT) == b"x"
    assert folder.names() == ["a.json", "sub"]
    assert folder.names("sub/inner") == ["sub/inner/b.json"]
    assert folder.names("none") == []
    assert folder.has("a.json") and not folder.has("b.json") and not folder.has("none/b.json")


def test_a_link_to_the_folder_itself_is_followed(folder, tmp_path):
    folder.write("a.json", b"x")
    (tmp_path / "link").symlink_to(folder.path)
    assert PlainFolder(tmp_path / "link").read("a.json", LIMIT) == b"x"
    PlainFolder(tmp_path / "link").write("b.json", b"y")
    assert folder.read("b.json", LIMIT) == b"y"


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_other_kinds_of_files_are_refused_everywhere(folder, victim, monkeypatch, kind):
    monkeypatch.chdir(folder.path)
    OTHER_KINDS[kind](folder.path / "a.json")
    for attempt in (
        lambda: folder.read("a.json", LIMIT),
        lambda: folder.has("a.json"),
        lambda: folder.write("a.json", b"x"),
        lambda: folder.open_to_append("a.json").__enter__(),
    ):
        with pytest.raises(NotPlain, match=rf"a\.json: is {kind}"):
            attempt()


def test_a_device_is_refused():
    with pytest.raises(NotPlain, match="zero: is a device"):
        PlainFolder(Path("/dev")).read("zero", LIMIT)


@pytest.mark.parametrize("name", ["results/a.json", "results/inner/a.json", "outer/results/a.json"])
def test_a_link_in_the_place_of_a_folder_is_refused_at_any_depth(folder, victim, name):
    place = folder.path / name.partition("results")[0]
    place.mkdir(exist_ok=True)
    (place / "results").symlink_to(victim)
    for attempt in (
        lambda: folder.read(name, LIMIT),
        lambda: folder.has(name),
        lambda: folder.write(name, b"x"),
        lambda: folder.remove(name),
        lambda: folder.names(name.rpartition("/")[0]),
        lambda: folder.remove_temporary_files(name.rpartition("/")[0]),
    ):
        with pytest.raises(NotPlain, match="results: is a symbolic link"):
            attempt()


def test_a_dangling_link_creates_nothing(folder, tmp_path):
    (folder.path / "a.json").symlink_to(tmp_path / "new")
    with pytest.raises(NotPlain):
        folder.write("a.json", b"x")
    with pytest.raises(NotPlain), folder.open_to_append("a.json"):
        pass
    assert not (tmp_path / "new").exists()


def test_a_hard_link_is_replaced_and_the_other_file_stays(folder, victim):
    os.link(victim / "a.json", folder.path / "a.json")
    with folder.open_to_append("a.json") as handle:
        os.write(handle, b" and more")
    assert folder.read("a.json", LIMIT) == b"precious and more"
    os.link(victim / "a.json", folder.path / "b.json")
    folder.write("b.json", b"x")


def test_removing_does_not_follow_links(folder, victim):
    (folder.path / "a.json").symlink_to(victim / "a.json")
    (folder.path / "results").symlink_to(victim)
    (folder.path / "real").mkdir()
    (folder.path / "real" / "link").symlink_to(victim)
    folder.remove("a.json")
    folder.remove_folder("results")
    folder.remove_folder("real")
    folder.remove("none")
    folder.remove_folder("none")
    assert folder.names() == []


def test_only_temporary_files_are_removed(folder):
    for name in (".a.json.x.tmp", ".lock", "b.tmp", "results/.c.tmp", "results/d.json"):
        folder.write(name, b"x")
    folder.remove_temporary_files()
    folder.remove_temporary_files("results")
    assert folder.names() == [".lock", "b.tmp", "results"]
    assert folder.names("results") == ["results/d.json"]


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(folder):
    with (folder.path / "huge").open("wb") as file:
        file.truncate(2**43)  # sparse: 8 TiB that take no space
    with pytest.raises(CtcbenchError, match=r"huge: has 8,796,093,022,208 bytes, .* 1,000 at most"):
        folder.read("huge", LIMIT)
    with pytest.raises(CtcbenchError, match="huge: has 8,796,093,022,208 bytes"):
        folder.read("huge", 2**60)  # more than the memory of the machine


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(folder, monkeypatch):
    folder.write("a.json", b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"a\.json: can't be written \(No space left on device\); free"):
        folder.write("a.json", b"new")
    assert folder.names() == ["a.json"] and folder.read("a.json", LIMIT) == b"old"


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_a_held_folder_that_vanishes_is_noticed_and_nothing_is_written(folder, how):
    with folder.hold():
        folder.write("a.json", b"x")
        if how == "moved":
            folder.path.rename(folder.path.with_name("elsewhere"))
        else:
            shutil.rmtree(folder.path)
        if how == "replaced":
            folder.path.mkdir()
        for attempt in (
            lambda: folder.write("a.json", b"y"),
            lambda: folder.write("sub/a.json", b"y"),
            lambda: folder.open_to_append("a.json").__enter__(),
            lambda: folder.read("a.json", LIMIT),
        ):
            with pytest.raises(CtcbenchError, match="run: the folder was deleted, moved or replaced"):
                attempt()
    assert folder.path.exists() == (how == "replaced")
    assert how != "replaced" or folder.names() == []


def test_a_folder_that_does_not_exist_is_not_created(tmp_path):
    missing = PlainFolder(tmp_path / "none")
    assert not missing.has("a.json")
    with pytest.raises(UsageError, match="can't be written"):
        missing.write("a.json", b"x")
    assert not list(tmp_path.iterdir())

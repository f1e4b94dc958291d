"""SealedFolder: changed, added and swapped files are noticed; after a kill the folder is readable."""

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.manifest import MANIFEST
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.files.sealed_folder import SealedFolder

LIMIT = 1000


@pytest.fixture
def folder(tmp_path):
    folder = SealedFolder(tmp_path)
    folder.write("a.json", b"a")
    folder.write("results/b.json", b"b")
    folder.seal(["a.json", "results/b.json"], {"summary.json": b"done"})
    return folder


def test_a_folder_that_is_not_sealed_is_not_compared(tmp_path):
    folder = SealedFolder(tmp_path)
    folder.write("a.json", b"a")
    (tmp_path / "a.json").write_bytes(b"b")
    assert not folder.is_sealed and folder.read("a.json", LIMIT) == b"b"


def test_sealed_files_are_read_and_written(folder):
    assert folder.is_sealed
    assert folder.read("summary.json", LIMIT) == b"done"
    folder.write_all({"results/b.json": b"new", "results/c.json": b"c"}, remove=["a.json"])
    assert folder.read("results/b.json", LIMIT) == b"new"
    assert folder.read("results/c.json", LIMIT) == b"c"
    assert folder.differences(["results/b.json", "results/c.json", "summary.json"]) == []
    assert "a.json" not in (folder.path / MANIFEST).read_text()


@pytest.mark.parametrize("name", ["a.json", "results/b.json", "summary.json"])
def test_a_changed_file_is_an_error_that_names_it_and_the_remedy(folder, name):
    (folder.path / name).write_bytes(b"changed")
    with pytest.raises(CtcbenchError) as error:
        folder.read(name, LIMIT)
    assert str(error.value).startswith(f"{folder.path / name}: changed since ctcbench wrote it")
    assert f"`ctcbench verify {folder.path} --accept`" in str(error.value)
    assert folder.differences(["a.json", "results/b.json", "summary.json"]) == [name]


def test_a_file_that_is_replaced_while_files_are_compared_does_not_differ(folder, monkeypatch):
    real, waiting = SealedFolder._digest, ["results/b.json"]

    def replaced_before(self, name):
        if name in waiting:
            waiting.remove(name)
            SealedFolder(self.path).write_all({name: b"newer", "results/c.json": b"c"})
        return real(self, name)

    monkeypatch.setattr(SealedFolder, "_digest", replaced_before)
    assert folder.differences(["a.json", "results/b.json"]) == []
    # c.json is newer than the list of the names.
    assert folder.missing(["a.json", "results/b.json", "summary.json"]) == []
    (folder.path / "a.json").unlink()
    assert folder.missing(["results/b.json", "summary.json"]) == ["a.json"]


def test_an_added_file_is_an_error(folder):
    (folder.path / "results" / "c.json").write_bytes(b"c")
    with pytest.raises(CtcbenchError, match=r"c\.json: not a file that ctcbench wrote here"):
        folder.read("results/c.json", LIMIT)


def test_files_that_are_swapped_are_an_error(folder):
    (folder.path / "results" / "b.json").write_bytes(b"a")
    with pytest.raises(CtcbenchError, match=r"b\.json: changed"):
        folder.read("results/b.json", LIMIT)


@pytest.mark.parametrize("size", [0, 10, 100])
def test_a_damaged_manifest_is_an_error(folder, size):
    path = folder.path / MANIFEST
    path.write_bytes(path.read_bytes()[:size])
    for attempt in (lambda: folder.read("a.json", LIMIT), lambda: folder.write("a.json", b"x")):
        with pytest.raises(CtcbenchError, match=r"manifest\.json: .*--accept"):
            attempt()
    assert (folder.path / "a.json").read_bytes() == b"a"


class Killed(BaseException):
    pass


@pytest.mark.parametrize("writes", range(6))
def test_a_kill_between_any_two_writes_leaves_a_folder_that_is_read(folder, monkeypatch, writes):
    contents = {"a.json": (b"a", b"A"), "results/b.json": (b"b", b"B"), "new.json": (None, b"N")}
    write, left = PlainFolder.write, [writes]

    def write_or_die(self, name, data):
        if not left[0]:
            raise Killed
        left[0] -= 1
        write(self, name, data)

    monkeypatch.setattr(PlainFolder, "write", write_or_die)
    try:
        folder.write_all({name: new for name, (_, new) in contents.items()})
    except Killed:
        assert writes < 5
    monkeypatch.undo()
    for name, (old, new) in contents.items():
        if folder.has(name):
            assert folder.read(name, LIMIT) in (old, new)
    # A second kill, before the first file is written again, leaves both contents valid too.
    left[0] = 1
    monkeypatch.setattr(PlainFolder, "write", write_or_die)
    with pytest.raises(Killed):
        folder.write_all({"a.json": b"third"})
    monkeypatch.undo()
    assert folder.read("a.json", LIMIT) in (b"a", b"A")
    folder.write_all({name: new for name, (_, new) in contents.items()})
    assert [folder.read(name, LIMIT) for name in contents] == [b"A", b"B", b"N"]


def test_a_reader_without_a_lock_never_sees_a_difference(folder, monkeypatch):
    """The writer runs between the reader's read of the manifest and that of the file."""
    read = PlainFolder.read

    def read_after_a_write(self, name, limit):
        if name == "a.json":
            monkeypatch.undo()
            SealedFolder(folder.path).write("a.json", b"newer")
        return read(self, name, limit)

    monkeypatch.setattr(PlainFolder, "read", read_after_a_write)
    assert folder.read("a.json", LIMIT) == b"newer"


def test_a_file_that_is_not_in_the_manifest_is_not_required_to_match(folder):
    folder.require_unchanged("study.toml", b"anything")
    folder.require_unchanged("a.json", b"a")
    with pytest.raises(CtcbenchError, match="changed"):
        folder.require_unchanged("a.json", b"b")

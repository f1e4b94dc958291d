"""Lock files: mutual exclusion, the message about the holder, and release after `kill -9`."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.files.locks import Busy, lock
from ctcbench.files.plain_files import NotPlain

HOLD = (
    "import pathlib, sys, time\n"
    "from ctcbench.files.locks import lock\n"
    "with lock(pathlib.Path(sys.argv[1]), wait=False, what='holding the lock'):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


def test_a_lock_creates_its_folder_and_removes_the_holder_at_the_end(tmp_path):
    path = tmp_path / "new" / "folder" / ".lock"
    with lock(path, wait=False, what="working"):
        words = path.with_name(".lock.holder").read_text()
        assert words == f"{socket.gethostname()}\nprocess {os.getpid()} is working\n"
    assert not path.with_name(".lock.holder").exists()


def test_the_error_names_the_holder_until_that_is_killed(tmp_path):
    path = tmp_path / ".lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            for _ in range(2):  # an attempt must not destroy the message
                with pytest.raises(Busy) as caught, lock(path, wait=False, what="waiting"):
                    pass
                assert str(caught.value) == (
                    f"{tmp_path}: process {holder.pid} is holding the lock; wait for it or stop it"
                )
        finally:
            os.kill(holder.pid, signal.SIGKILL)
    with (
        lock(path, wait=False, what="next"),
        pytest.raises(Busy, match=f"process {os.getpid()} is next"),
        lock(path, wait=False, what="late"),
    ):
        pass


def test_a_holder_on_another_host_is_named_with_its_host(tmp_path, monkeypatch):
    path = tmp_path / ".lock"
    with lock(path, wait=False, what="training"):
        monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
        here = os.uname().nodename
        with pytest.raises(Busy, match=rf"is training \(on {here}\)"), lock(path, wait=False, what=""):
            pass


@pytest.mark.parametrize("how", [{"wait": True}, {"wait": False, "patience": 60}])
def test_a_waiting_process_gets_the_lock_when_it_is_released(tmp_path, how):
    path, acquired = tmp_path / ".lock", threading.Event()

    def acquire():
        with lock(path, what="waiting", **how):
            acquired.set()

    waiting = threading.Thread(target=acquire)
    with lock(path, wait=False, what="first"):
        waiting.start()
        assert not acquired.wait(0.2)
    waiting.join(60)
    assert acquired.is_set()


def test_a_folder_that_the_previous_holder_removed_is_created_again(tmp_path, monkeypatch):
    import filelock

    path, real, removed = tmp_path / "run" / ".lock", filelock.FileLock.acquire, []

    def acquire(self, *arguments, **options):
        if not removed:  # the previous holder removes the folder after this process has created it
            removed.append(True)
            shutil.rmtree(path.parent)
        return real(self, *arguments, **options)

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with lock(path, wait=False, what="one"), pytest.raises(Busy), lock(path, wait=False, what="two"):
        pass
    assert removed


def test_a_lock_on_a_removed_file_is_not_held(tmp_path, monkeypatch):
    """A file that is removed between opening and locking it guards nothing: the lock is tried again."""
    fcntl = pytest.importorskip("fcntl")
    path, real, removed = tmp_path / ".lock", fcntl.flock, []

    def flock(handle, how):
        if not removed:
            removed.append(True)
            path.unlink()
        return real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with lock(path, wait=True, what="one"):
        monkeypatch.undo()
        with pytest.raises(Busy), lock(path, wait=False, what="two"):
            pass
    assert removed


def test_a_full_disk_costs_only_the_message(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / ".lock"
    with (
        lock(path, wait=False, what="one"),
        pytest.raises(Busy, match="another process is at work"),
        lock(path, wait=False, what="two"),
    ):
        pass


def test_symbolic_links_are_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / ".lock").symlink_to(target)
    with (
        pytest.raises(NotPlain, match=r"\.lock: is a symbolic link"),
        lock(tmp_path / ".lock", wait=False, what="one"),
    ):
        pass
    (tmp_path / "other.holder").symlink_to(target)
    with lock(tmp_path / "other", wait=False, what="two"):
        pass
    assert target.read_text() == "precious"


def test_a_folder_that_can_not_be_created_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match="can't be written"),
        lock(tmp_path / "file" / ".lock", wait=False, what="one"),
    ):
        pass


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOLCK])
def test_a_file_system_without_locks_is_one_error(tmp_path, monkeypatch, number):
    fcntl = pytest.importorskip("fcntl")

    def refuse(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(UsageError, match=r"\.lock: can't be locked .*; name a folder on another file system"),
        lock(tmp_path / ".lock", wait=False, what="working"),
    ):
        pass

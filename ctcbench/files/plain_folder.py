"""PlainFolder: the files of a folder that may come from a stranger; links inside it are refused."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path, PurePosixPath

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.atomic import temporary_prefix, unwritable
from ctcbench.files.plain_files import NotPlain, kind_of_file, require_plain, require_size, unreadable

# O_NONBLOCK: opening a pipe would otherwise wait for its other end. For plain files it has no effect.
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
NO_LIMIT = 2**62  # bytes of a file; the memory of the machine is the limit


class PlainFolder:
    """Files of a folder, by names relative to it such as ``results/greedy.json``.

    The folder itself may be named through a symbolic link. Links inside it are refused at every component
    of a name, so that no name leads out of the folder.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: int | None = None

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Return a context in which every access requires that the folder is not deleted or moved."""
        # Its inode number can't be given to another folder while it is open.
        with self._root() as root:
            self._held = root
            try:
                yield
            finally:
                self._held = None

    def has(self, name: str) -> bool:
        """Return whether there is a plain file of that name.

        Raises:
            NotPlain: there is something else, or a folder of the name is a link.
        """
        try:
            with self._folder_of(name) as (folder, last):
                require_plain(os.stat(last, dir_fd=folder, follow_symlinks=False), self.path / name)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise unreadable(self.path / name, error) from error
        return True

    def read(self, name: str, limit: int) -> bytes:
        """Return the content of a file.

        Raises:
            NotPlain: it is not a plain file, or a folder of the name is a link.
            CtcbenchError: it does not exist, can't be read, or is larger than `limit` bytes.
        """
        with self.open_to_read(name, limit) as (file, size):
            # No more than the size that was checked, also where the file grows meanwhile.
            return file.read(size)

    @contextlib.contextmanager
    def open_to_read(self, name: str, limit: int) -> Iterator[tuple[BufferedReader, int]]:
        """Yield a file, open to be read, and its size in bytes.

        Raises:
            NotPlain: it is not a plain file, or a folder of the name is a link.
            CtcbenchError: it does not exist, can't be read, or is larger than `limit` bytes.
        """
        path = self.path / name
        try:
            with self._folder_of(name) as (folder, last):
                require_plain(os.stat(last, dir_fd=folder, follow_symlinks=False), path)
                with os.fdopen(os.open(last, os.O_RDONLY | _SAFE, dir_fd=folder), "rb") as file:
                    yield file, require_size(os.fstat(file.fileno()), path, limit)
        except OSError as error:
            raise unreadable(path, error) from error

    def names(self, folder: str = "") -> list[str]:
        """Return the sorted names of the entries in a folder inside this one; none if it does not exist.

        Raises:
            NotPlain: it is a link, or not a folder.
            CtcbenchError: it can't be read.
        """
        path = self.path / folder
        try:
            with self._open(folder) as handle:
                return sorted(f"{folder}/{name}" if folder else name for name in os.listdir(handle))  # noqa: PTH208
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unreadable(path, error) from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically; folders of its name are created, but not this folder.

        Raises:
            NotPlain: something else than a plain file has that name, or a folder of the name is a link.
            CtcbenchError: this folder was deleted or moved.
            UsageError: the file can't be written, or the disk is full.
        """
        try:
            with self._folder_of(name, create=True) as (folder, last):
                # A rename would replace a pipe or a link without a word.
                with contextlib.suppress(FileNotFoundError):
                    require_plain(os.stat(last, dir_fd=folder, follow_symlinks=False), self.path / name)
                _replace(folder, last, data)
        except OSError as error:
            raise self._unwritable(name, error) from error

    @contextlib.contextmanager
    def open_to_append(self, name: str) -> Iterator[int]:
        """Yield the descriptor of a file, which is created if it does not exist; writes go to its end.

        Raises:
            NotPlain: it is not a plain file.
            CtcbenchError: this folder was deleted or moved.
            UsageError: the file can't be written.
        """
        path, flags = self.path / name, os.O_RDWR | os.O_APPEND | os.O_CREAT | _SAFE
        try:
            with self._folder_of(name) as (folder, last):
                if self.has(name) and os.stat(last, dir_fd=folder, follow_symlinks=False).st_nlink > 1:
                    # A hard link: appending would change a file outside of the folder too.
                    _replace(folder, last, PlainFolder.read(self, name, NO_LIMIT))
                handle = os.open(last, flags, 0o666, dir_fd=folder)
                try:
                    require_plain(os.fstat(handle), path)
                    yield handle
                finally:
                    os.close(handle)
        except OSError as error:
            raise self._unwritable(name, error) from error

    def remove(self, name: str) -> None:
        """Remove a file, or the link or pipe in its place; nothing happens if there is none.

        Raises:
            NotPlain: a folder of the name is a link.
            UsageError: it can't be removed.
        """
        try:
            with self._folder_of(name) as (folder, last):
                os.unlink(last, dir_fd=folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unwritable(name, error) from error

    def remove_folder(self, folder: str) -> None:
        """Remove a folder inside this one with all that is in it, or the link in its place.

        Raises:
            UsageError: something can't be removed.
        """
        try:
            with self._folder_of(folder) as (parent, last):
                if stat.S_ISDIR(os.stat(last, dir_fd=parent, follow_symlinks=False).st_mode):
                    shutil.rmtree(last, dir_fd=parent)  # follows no link
                else:
                    os.unlink(last, dir_fd=parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unwritable(folder, error) from error

    def remove_temporary_files(self, folder: str = "") -> None:
        """Remove the unfinished writes of killed processes from a folder; the caller holds a lock."""
        for name in self.names(folder):
            last = PurePosixPath(name).name
            if last.startswith(".") and last.endswith(".tmp"):
                self.remove(name)

    @contextlib.contextmanager
    def _folder_of(self, name: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the descriptor of the folder that holds a file, and the file's name in it."""
        folder, _, last = name.rpartition("/")
        with self._open(folder, create=create) as handle:
            yield handle, last

    @contextlib.contextmanager
    def _open(self, folder: str, *, create: bool = False) -> Iterator[int]:
        """Yield the descriptor of a folder inside this one."""
        with contextlib.ExitStack() as stack:
            handle, path = stack.enter_context(self._root()), self.path
            for part in filter(None, folder.split("/")):
                assert part not in (".", ".."), folder
                path /= part
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=handle)
                # For the message alone: opening the folder below refuses a link as well.
                found = os.stat(part, dir_fd=handle, follow_symlinks=False)
                if not stat.S_ISDIR(found.st_mode):
                    raise NotPlain(f"{path}: is {kind_of_file(found)}; only folders are allowed here")
                handle = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
                stack.callback(os.close, handle)
            yield handle

    @contextlib.contextmanager
    def _root(self) -> Iterator[int]:
        """Yield the descriptor of this folder."""
        if self._held is not None:
            self._require_in_place()
            yield self._held
            return
        # Without O_NOFOLLOW: the user may name the folder through a link.
        handle = os.open(self.path, _FOLDER)
        try:
            yield handle
        finally:
            os.close(handle)

    def _require_in_place(self) -> None:
        if self._held is not None and not _is_at(self.path, self._held):
            cause = "the folder was deleted, moved or replaced while ctcbench worked in it"
            raise CtcbenchError(f"{self.path}: {cause}; nothing more is written there")

    def _unwritable(self, name: str, error: OSError) -> CtcbenchError:
        self._require_in_place()  # a folder that vanishes during a write is the cause of its failure
        return unwritable(self.path / name, error)


def _is_at(path: Path, handle: int) -> bool:
    """Return whether `path` still names the open folder."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False


def _replace(folder: int, name: str, data: bytes) -> None:
    """Write `data` to a temporary file of a folder, and give it the name of the file that it replaces."""
    temporary = f"{temporary_prefix(name)}{secrets.token_hex(4)}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, 0o666, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            # On the disk before the rename, so that a power cut leaves the old file or the new one.
            os.fsync(handle)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise

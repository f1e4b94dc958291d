"""The pictures that a command line names: files, folders of pictures, and standard input."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted, first_of
from ctcbench.files.other_formats import UNKNOWN_FORMAT, unknown_format
from ctcbench.files.picture_files import pictures_below, unread_pictures_below
from ctcbench.files.picture_formats import begins_a_picture
from ctcbench.files.plain_files import is_folder, why_not_plain

STANDARD_INPUT = "-"
_HEAD_BYTES = 64
_LONGEST_LINE = 2**16  # bytes; no path is that long
_LARGEST_PICTURE = 2**30  # bytes
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class NamedPicture(NamedTuple):
    """A picture of the command line: its name in the output, and its file or the bytes of one."""

    name: str
    content: Path | bytes


class PictureArguments:
    """The pictures that the arguments of a command name, in their order.

    A folder stands for the pictures below it, and ``-`` for standard input: the bytes of one picture, or a
    list of files and folders, one a line.

    Attributes:
        total: number of pictures; None if they are listed on standard input.
        problems: why an argument is no picture, by its name.
        unread: files in the folders whose format is not read.

    Raises:
        UsageError: no argument names a picture, or a folder can't be read.
    """

    def __init__(self, arguments: Sequence[Path]) -> None:
        total: int | None = 0
        self.problems: dict[str, str] = {}
        self.unread: list[Path] = []
        self._parts: list[Iterable[NamedPicture]] = []
        names = list(map(str, arguments))
        if names.count(STANDARD_INPUT) > 1:
            raise UsageError(f"{STANDARD_INPUT}: standard input can be read only once; give it once")
        for name in names:
            is_standard_input = name == STANDARD_INPUT
            found = self._on_standard_input() if is_standard_input else self._at(name)
            self._parts.append(found)
            # Of a list on standard input, the length is not known.
            total = total + len(found) if total is not None and isinstance(found, list) else None
        self.total = total
        if all(name in self.problems for name in names):
            raise UsageError("; ".join(f"{name}: {self.problems[name]}" for name in names))

    def __iter__(self) -> Iterator[NamedPicture]:
        """Yield the pictures; those on standard input can be read once."""
        return itertools.chain.from_iterable(self._parts)

    def unread_notice(self) -> str:
        """Return how many files of the folders are not read, with the first ones; an empty text if none."""
        if not self.unread:
            return ""
        return f"not read: {counted(len(self.unread), 'file')} in other formats ({first_of(self.unread)})"

    def _at(self, name: str) -> list[NamedPicture]:
        path = Path(name)
        if is_folder(path):
            self.unread += unread_pictures_below(path)
        if not (found := _pictures_at(path)):
            self.problems[name] = "has no pictures in it" if is_folder(path) else why_not_plain(path)
            if named := self.unread_notice():
                self.problems[name] += f"; {named}"
        # One that can't be read is a picture too, so that the output has an entry for it in its place.
        return found or [NamedPicture(name, path)]

    def _on_standard_input(self) -> Iterable[NamedPicture]:
        stream = sys.stdin.buffer
        head = stream.read(_HEAD_BYTES).removeprefix(_BYTE_ORDER_MARK).lstrip(b"\r\n")
        while not head and (head := stream.read(_HEAD_BYTES)):
            head = head.lstrip(b"\r\n")
        if head and not begins_a_picture(head) and b"\0" not in head:
            return _listed_pictures(head, stream)
        if not head:
            self.problems[STANDARD_INPUT] = "standard input is empty; give it a picture, or paths, one a line"
        elif not begins_a_picture(head):
            known = unknown_format(head)
            self.problems[STANDARD_INPUT] = (
                f"standard input is {UNKNOWN_FORMAT}, nor paths"
                if known == UNKNOWN_FORMAT
                else f"standard input is {known}"
            )
        is_bad = STANDARD_INPUT in self.problems
        return [NamedPicture(STANDARD_INPUT, head if is_bad else head + stream.read(_LARGEST_PICTURE))]


def _pictures_at(path: Path) -> list[NamedPicture]:
    """Return the picture at a path, those below it if it is a folder, or none if there is nothing to read."""
    files = pictures_below(path) if is_folder(path) else [] if why_not_plain(path) else [path]
    return [NamedPicture(str(file), file) for file in files]


def _listed_pictures(head: bytes, stream: BinaryIO) -> Iterator[NamedPicture]:
    for line in _lines(head, stream):
        path = Path(os.fsdecode(line))
        yield from _pictures_at(path) or [NamedPicture(str(path), path)]


def _lines(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines that are not blank, without their ends."""
    # The first bytes were read already, and end within a line.
    started = head.splitlines(keepends=True)
    started[-1] += b"" if head.endswith(b"\n") else stream.readline(_LONGEST_LINE)
    rest = iter(lambda: stream.readline(_LONGEST_LINE), b"")
    for line in itertools.chain(started, rest):
        if len(line) >= _LONGEST_LINE:
            raise UsageError(
                f"standard input has a line of {_LONGEST_LINE:,} bytes or more, which is no path"
            )
        if b"\0" in line:
            raise UsageError("standard input is not a picture of a known format, nor paths: a line has a NUL")
        if bare := line.rstrip(b"\r\n"):
            yield bare

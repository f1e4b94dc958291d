"""Labels of images: from their file names, or from a list (``labels.csv``, ``labels.txt``)."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ctcbench.contract.errors import UsageError

LabelFrom = Literal["auto", "file", "stem", "before-dash", "before-underscore"]
LISTS = ("labels.csv", "labels.txt")

_NAME_HEADERS = {"file", "filename", "file_name", "image", "image_path", "name", "path", "picture"}
_TEXT_HEADERS = {"label", "labels", "text", "target", "transcription", "words"}


@dataclass(frozen=True)
class Label:
    """A label, or the reason why there is none (`text` None)."""

    text: str | None
    reason: str = ""


@dataclass(frozen=True)
class Line:
    """A line of a list: the name of the file as written, its label, and its position (``path:line``)."""

    name: str
    label: Label
    where: str


@dataclass(frozen=True)
class Labelling:
    """The source of labels: a list, optional or required, or the file names."""

    may_list: bool
    must_list: bool
    of_stem: Callable[[str], Label]


def labelling_for(label: LabelFrom, pattern: str) -> Labelling:
    """Return the labelling for the options `label` and `pattern` of the data set.

    Raises:
        UsageError: both are given, or the pattern is not a regular expression with one group.
    """
    if pattern:
        if label != "auto":
            raise UsageError(
                f"dataset folder: label={label} and pattern= are two ways to one label; give one"
            )
        return Labelling(False, False, _by_pattern(pattern))
    if label in ("auto", "file", "stem"):
        return Labelling(label != "stem", label == "file", lambda stem: Label(composed(stem)))
    mark = "-" if label == "before-dash" else "_"
    return Labelling(False, False, lambda stem: _before(mark, stem))


def composed(text: str) -> str:
    """Return `text` in Unicode NFC."""
    # Some file systems store an accent as a character of its own, which would be a class of its own.
    return unicodedata.normalize("NFC", text)


def find_list(folder: Path) -> Path | None:
    """Return the list of labels in a folder, None where there is none.

    Raises:
        UsageError: there is more than one list.
    """
    found = [folder / name for name in LISTS if (folder / name).is_file()]
    if len(found) > 1:
        raise UsageError(f"{folder}: has both {' and '.join(LISTS)}; keep one of them")
    return found[0] if found else None


def read_list(path: Path) -> list[Line]:
    """Return the lines of a list, which is UTF-8 with or without a byte order mark.

    CSV is separated by ``,``, ``;`` or tabs, and has a header or exactly two columns. In plain text, a line
    is the name, a tab or spaces, and the label.

    Raises:
        UsageError: the file can't be read, or is not UTF-8 or CSV.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    lines = _csv_lines(path, content) if path.suffix == ".csv" else _text_lines(path, content)
    seen: dict[str, str] = {}
    for position, line in enumerate(lines):
        if line.name in seen:
            again = Label(None, f"{line.name} is listed before, at {seen[line.name]}")
            lines[position] = Line(line.name, again, line.where)
        seen.setdefault(line.name, line.where)
    return lines


def _text_lines(path: Path, content: str) -> list[Line]:
    lines = []
    for number, row in enumerate(content.split("\n"), start=1):
        row = row.strip(" \r")
        if not row.strip():
            continue
        name, *rest = row.split("\t", 1) if "\t" in row else row.split(None, 1)
        text = composed(rest[0].strip()) if rest else ""
        lines.append(Line(composed_name(name), Label(text), f"{path}:{number}"))
    return lines


def _csv_lines(path: Path, content: str) -> list[Line]:
    first = content.partition("\n")[0]
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=first.count))
    name_at, text_at, header = 0, 1, False
    lines: list[Line] = []
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            titles = [cell.strip().lower() for cell in row]
            if not lines and not header and (columns := _columns(titles)):
                (name_at, text_at), header = columns, True
                continue
            where = f"{path}:{rows.line_num}"
            if not header and len(row) > 2:
                reason = (
                    f"the line has {len(row)} columns, not 2; quote the label, or add a header file,label"
                )
                label = Label(None, reason)
            else:
                label = Label(composed(row[text_at].strip()) if text_at < len(row) else "")
            lines.append(
                Line(composed_name(row[name_at].strip() if name_at < len(row) else ""), label, where)
            )
    except csv.Error as error:
        raise UsageError(f"{path}:{rows.line_num}: is not CSV ({error})") from None
    return lines


def composed_name(name: str) -> str:
    """Return the name of a listed file with ``/`` between folders; lists from Windows may have ``\\``."""
    return name.replace("\\", "/")


def _columns(titles: list[str]) -> tuple[int, int] | None:
    """Return the columns of name and label if `titles` are a header, else None."""
    names = [i for i, title in enumerate(titles) if title in _NAME_HEADERS]
    texts = [i for i, title in enumerate(titles) if title in _TEXT_HEADERS]
    return (names[0], texts[0]) if names and texts else None


def _before(mark: str, stem: str) -> Label:
    text, found, _ = stem.rpartition(mark)
    return Label(composed(text)) if found else Label(None, f"its name has no {mark!r} to end the label")


def _by_pattern(pattern: str) -> Callable[[str], Label]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"dataset folder: pattern={pattern}: not a regular expression ({error})") from None
    group: str | int = "label" if "label" in compiled.groupindex else 1
    if group == 1 and compiled.groups != 1:
        raise UsageError(
            f"dataset folder: pattern={pattern}: has {compiled.groups} groups; "
            f"it needs one, or one named label: (?P<label>…)"
        )

    def of_stem(stem: str) -> Label:
        found = compiled.search(stem)
        if found is None:
            return Label(None, f"the pattern {pattern!r} is not found in its name")
        return Label(composed(found[group] or ""))

    return of_stem

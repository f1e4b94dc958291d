"""Labels in ``NAME.gt.txt`` or ``NAME.txt`` beside each picture."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ctcbench.contract.errors import BadSample
from ctcbench.files.plain_files import MIB
from ctcbench.files.text_encoding import NotUtf8, decode_utf8

USUAL_ENDING = ".gt.txt"
PLAIN_ENDING = ".txt"  # of notes and licences as well, so it is read only where the user asks for it


def find_sidecars(files: Iterable[Path], ending: str = USUAL_ENDING) -> dict[Path, Path]:
    """Return the files with an ending such as ``.gt.txt`` by the path of their picture without its suffix."""
    return {
        file.with_name(file.name[: -len(ending)]): file
        for file in files
        if file.name.lower().endswith(ending) and len(file.name) > len(ending)
    }


def sidecars_beside(
    files: Iterable[Path], stems: Collection[Path], ending: str = USUAL_ENDING
) -> dict[Path, Path]:
    """Return those of `find_sidecars` that are beside a picture; `stems` are the paths without suffixes."""
    return {stem: file for stem, file in find_sidecars(files, ending).items() if stem in stems}


def read_sidecar(file: Path) -> str:
    """Return the one line of a file, UTF-8 with or without a byte order mark.

    Raises:
        BadSample: it can't be read, is not UTF-8 or has more lines than one.
    """
    if not file.is_file():
        raise BadSample("is no file")  # reading a pipe would wait for ever
    if file.stat().st_size > MIB:
        raise BadSample("is larger than 1 MiB; a label is one line")
    try:
        content = decode_utf8(file.read_bytes())
    except NotUtf8 as error:
        raise BadSample(f"line {error.line} is not UTF-8 ({error}); save the file as UTF-8") from None
    except OSError as error:
        raise BadSample(f"can't be read ({error.strerror})") from None
    # An editor ends the line and may add empty ones; a carriage return elsewhere stays, and is reported.
    lines = [line for line in content.replace("\r\n", "\n").split("\n") if line.strip(" ")]
    if len(lines) > 1:
        raise BadSample(f"has {len(lines)} lines; a label is one line")
    return lines[0].strip(" ") if lines else ""

"""What a command prints on standard output: tables, lines and JSON documents, and nothing of a component."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TextIO, cast

from rich.console import Console
from rich.text import Text

from ctcbench.contract.errors import UsageError
from ctcbench.files import output_files
from ctcbench.files.text import printable_json, printable_lines

_reserved: TextIO | None = None


@contextlib.contextmanager
def standard_output_reserved() -> Iterator[None]:
    """Reserve standard output for this module's functions; whatever else prints does so on standard error."""
    global _reserved
    before, _reserved = _reserved, sys.stdout
    output_files.standard_output = _reserved
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _reserved = output_files.standard_output = before


@contextlib.contextmanager
def spinner() -> Iterator[Callable[[str], None]]:
    """Show a spinner; the function that is yielded sets the text beside it."""
    # On standard error, because standard output may be a JSON document. The spinner is plain ASCII.
    with Console(stderr=True).status("", spinner="line") as status:
        yield lambda text: status.update(Text(text))


def output_stream() -> TextIO:
    """Return standard output."""
    return _reserved or sys.stdout


def output_console() -> Console:
    """Return a console that prints on standard output; except on a terminal, no line ends with spaces."""
    console = Console(file=output_stream(), highlight=False)
    if not console.is_terminal:
        console.file = cast("TextIO", _TrimmedLines(console.file))
    return console


def report_console(file: Path | None) -> Console:
    """Return a console for a report beside an output file.

    It is `output_console`, or one on standard error if the file is standard output.
    """
    if output_files.is_standard_output(file):
        return Console(stderr=True, highlight=False)
    return output_console()


def require_separate_json(file: Path | None, as_json: bool) -> None:
    """Check that a JSON document and an output file are not both printed on standard output.

    Raises:
        UsageError: they are.
    """
    if as_json and output_files.is_standard_output(file):
        raise UsageError(
            f"--json: prints on standard output, as {file} does; name a file, or leave out --json"
        )


class _TrimmedLines:
    """A text stream without the spaces at the ends of lines, with which rich fills the cells of tables."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        # rich writes whole lines.
        return self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE))


def print_line(text: object) -> None:
    """Print one line on standard output."""
    print(text, file=output_stream())


def print_json(document: Any) -> None:
    """Print a JSON document on standard output."""
    print_json_text(printable_json(document) + "\n")


def print_json_text(text: str) -> None:
    """Print a document that is JSON already, escaped where the encoding of standard output is not Unicode."""
    stream = output_stream()
    is_unicode = (stream.encoding or "utf-8").lower().startswith("utf")
    # Outside of ASCII a document has only characters of strings, which JSON can write as escapes.
    stream.write(text if is_unicode else re.sub(r"[^\x00-\x7f]", lambda c: json.dumps(c[0])[1:-1], text))


def print_file(data: bytes) -> None:
    """Print the content of a UTF-8 file: on a terminal as text, elsewhere the same bytes as in a file."""
    stream = output_stream()
    binary = getattr(stream, "buffer", None)
    if binary is None or stream.isatty():
        # Some formats keep the control characters of labels and settings, which a terminal would obey.
        stream.write(printable_lines(data.decode().replace("\r\n", "\n")))
        return
    stream.flush()
    binary.write(data)
    binary.flush()

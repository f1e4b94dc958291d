"""What is printed on standard output outside of a terminal."""

import io

import pytest
from rich.table import Table

from ctcbench.cli import output


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "row"), [(io.StringIO(), "a"), (Terminal(), "a   ")])
def test_a_table_has_no_spaces_at_the_ends_of_lines_except_on_a_terminal(stream, row, monkeypatch):
    monkeypatch.setattr(output, "output_stream", lambda: stream)
    monkeypatch.setenv("TERM", "xterm")
    table = Table.grid()
    for cell in ("a", "  bc"):
        table.add_row(cell)
    output.output_console().print(table)
    assert stream.getvalue().splitlines() == [row, "  bc"]

"""ComponentCell: component strings as a cell of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text


class ComponentCell:
    """Component strings with a remark, broken into lines between options where their column is narrow."""

    def __init__(self, components: str, remark: str = "", remark_style: str = "") -> None:
        # "name:a=1,b=2 c" is "name:", "a=1,", "b=2 " and "c". Commas within a quoted value break as well.
        self._parts = [Text(part) for part in re.findall(r"[^,: ]*[,: ]|[^,: ]+", components)]
        if remark:
            self._parts.append(Text(f" {remark}", remark_style))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widths = [cell_len(part.plain) for part in self._parts]
        return Measurement(max(widths, default=0), sum(widths)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        line = Text(overflow="fold")
        for part in self._parts:
            if line and cell_len((line.plain + part.plain).rstrip()) > options.max_width:
                yield line
                line = Text(overflow="fold")
            line.append_text(part)
        yield line

"""The spec sheet of a network as tables: shapes stage by stage, parameters, FLOPs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ctcbench.files.text import printable
from ctcbench.reporting.number_format import count

if TYPE_CHECKING:
    from ctcbench.training.recognizer.spec_sheet import SpecSheet


def spec_tables(sheet: SpecSheet) -> list[RenderableType]:
    """Return a table of the stages with their shapes and parameters, and a table of the totals."""
    config = sheet.config
    shown = ("dataset", "extra_dataset", "backbone", "head", "decoder")
    parts = "  ".join(f"{name} {config[name]}" for name in shown if config[name])
    table = Table(
        "stage", "what", "shape", title=Text(printable(parts)), title_justify="left", title_style="bold"
    )
    # The options of a module can be longer than the terminal is wide, and must not be cut off.
    table.columns[1].overflow = "fold"
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_row("image", "the widest" if sheet.variable_width else "", _shape((1, *sheet.image)), "")
    for stage in sheet.stages:
        table.add_row(stage.name, Text(stage.what), _shape(stage.shape), count(stage.parameters or None))
    return [table, "", _totals(sheet)]


def _totals(sheet: SpecSheet) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    by_part = ", ".join(f"{name} {count(number)}" for name, number in sheet.parameters.items() if number)
    table.add_row("parameters", f"{count(sheet.total_parameters)}  ({by_part})")
    table.add_row("FLOPs", f"{sheet.flops / 1e6:,.1f} million per image (a multiply-add counts as two)")
    table.add_row("classes", f"{sheet.classes} with the blank")
    frames = f"{sheet.frames} of {sheet.features:,} features"
    if sheet.variable_width:
        frames += f" for {sheet.image[2]} columns; a frame for {sheet.image[2] / sheet.frames:.1f} columns"
    table.add_row("frames", frames)
    if sheet.characters and sheet.frames_per_character:
        text = f"{sheet.frames_per_character:.1f}  ({sheet.characters:.1f} characters per text)"
        table.add_row("frames per character", text)
    return table


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))

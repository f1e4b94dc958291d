"""The spec sheet of a network as tables."""

from __future__ import annotations

import io

from rich.console import Console

from ctcbench.cli.views.spec_table import spec_tables
from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.registry.component_registry import Registry
from ctcbench.training.recognizer.spec_sheet import spec_sheet


def test_the_sheet_as_tables(registry: Registry) -> None:
    config = RunConfig(backbone="cnn2:width=4,norm=none", head="bilstm1", decoder="greedy", shortcut="sum")
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(*spec_tables(spec_sheet(resolve(registry, config))))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for word in (
        "LSTM(40, 128",
        "1 × 4 × 40 × 150",
        "75 × 1 × 63",
        "bypass",
        "FLOPs",
        "frames per character",
    ):
        assert word in text


def test_the_sheet_of_images_of_variable_width(registry: Registry) -> None:
    config = RunConfig(dataset="captcha:length=1-5,variable=true", backbone="cnn3:width=4", head="none")
    sheet = spec_sheet(resolve(registry, config))
    # Five times 30 columns, and a frame for eight of them; narrower images have fewer.
    assert (sheet.variable_width, sheet.frames) == (True, 18)
    assert sheet.frames_per_character is not None
    assert 3 <= sheet.frames_per_character <= 3.75
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(*spec_tables(sheet))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "the widest" in text
    assert "18 of 80 features for 150 columns; a frame for 8.3 columns" in text

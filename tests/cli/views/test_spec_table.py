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

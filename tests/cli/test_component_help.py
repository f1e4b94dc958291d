"""The list of components in the help: options that components share are described once."""

from __future__ import annotations

from rich.console import Console

from ctcbench.cli.component_help import component_panels
from ctcbench.contract.components import Component
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin


def staged(image, *, blocks: tuple[int, ...] = (1, 2)):
    """A backbone with a list as an option."""


def test_a_default_is_shown_as_it_is_typed():
    mine = Plugin("mine", "ctcbench-mine", "1", "mine", components=(Component("backbone", staged),))
    console = Console(width=120)
    with console.capture() as captured:
        for part in component_panels(Registry((mine,))):
            console.print(part)
    assert "blocks='1,2'" in captured.get() and "(list of whole numbers)" in captured.get()


def test_options_of_an_earlier_component_are_named_and_not_described_again(registry):
    console = Console(width=120)
    with console.capture() as captured:
        for part in component_panels(registry):
            console.print(part)
    shown = captured.get()
    assert shown.count("normal form of the labels") == 1
    datasets = shown[shown.index("parquet  ") :]
    assert "as for csv: " in datasets
    listed = " ".join(datasets[datasets.index("as for csv: ") :].split("╰")[0].replace("│", " ").split())
    for name in ("alphabet", "unicode", "channels", "group", "seed"):
        assert name in listed

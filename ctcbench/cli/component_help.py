"""The part of `run --help` and `ablate --help` that lists the installed components with their options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ctcbench.cli.help import Command, command_help, panel, print_help
from ctcbench.cli.installed_plugins import registry
from ctcbench.contract.component_string import quote_value
from ctcbench.contract.components import KINDS, Component
from ctcbench.contract.options import Option
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import BUILTIN

_MANY = 5  # options that two components share, which are then not described again


class CommandWithComponents(Command):
    """A command whose help ends with the installed components."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, then the components."""
        print_help([*command_help(self, ctx), *component_panels(registry())])


def component_panels(installed: Registry) -> Iterator[RenderableType]:
    """Yield a panel for each kind of component, and a line for each plugin that did not load."""
    yield Text(
        "A component is written name or name:option=value,option=value (--backbone cnn3:width=48);\n"
        "a value that contains a comma, a colon or a quote is put in quotes.\n"
    )
    for kind in KINDS:
        if known := list(installed.components(kind).values()):
            yield panel(kind, _listed(installed, known))
    for problem in [f"not loaded: {p.owner}: {p.error}" for p in installed.failed] + installed.conflicts:
        yield Text(f"{problem} (see `ctcbench plugins`)", style="red")


def _listed(installed: Registry, components: Sequence[Component]) -> Group:
    """Return the components; options that consecutive components share are listed once, after the last.

    Of a component that shares many with an earlier one, only the others are listed.
    """
    parts: list[RenderableType] = []
    listed: list[Component] = []
    # The eight recurrent heads, for example, have the same options.
    for options, alike in groupby(components, key=_signature):
        names = Table.grid(padding=(0, 2))
        names.add_column(no_wrap=True)
        group = list(alike)
        for component in group:
            owner = installed.owner(component)
            # The package to update, or whose author to ask, if the component is not one of ctcbench.
            source = "" if owner.name == BUILTIN else f" [{owner.distribution}]"
            names.add_row(Text(component.name, "bold cyan"), Text(component.summary + source))
        parts.append(names)
        if options:
            parts.append(Padding(_described(group[0], listed), (0, 0, 0, 2)))
        listed += group
    return Group(*parts)


def _described(component: Component, listed: Sequence[Component]) -> RenderableType:
    own = dict(zip(component.options, _signature(component), strict=True))
    like, shared = "", set[str]()
    for other in listed:
        theirs = set(_signature(other))
        same = {name for name, shown in own.items() if shown in theirs}
        if len(same) > len(shared):
            like, shared = other.name, same
    if len(shared) < _MANY:
        return _options(list(component.options.values()))
    others = [option for name, option in component.options.items() if name not in shared]
    names = ", ".join(name for name in component.options if name in shared)
    return Group(_options(others), Text.assemble((f"as for {like}: ", "dim"), (names, "green")))


def _options(options: Sequence[Option]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, max_width=28)
    for option in options:
        default = "" if option.required else quote_value(option.as_text(option.default))
        given = Text.assemble(
            (option.name, "green"), "=", (default or "…", "dim" if not option.required else "red")
        )
        allowed = ", ".join(part for part in (option.type_name, option.bounds) if part)
        described = Text.assemble(option.description, (f" ({allowed})", "dim"))
        if option.required:
            described.append(" (required)", "red")
        table.add_row(given, described)
    return table


# As the help shows them: options that look the same there are listed once.
def _signature(component: Component) -> tuple[Any, ...]:
    return tuple(
        (o.name, o.type_name, o.bounds, "…" if o.required else o.as_text(o.default), o.description)
        for o in component.options.values()
    )

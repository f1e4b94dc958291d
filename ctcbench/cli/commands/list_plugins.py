"""`ctcbench plugins`: lists the installed plugins, their components and their errors."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.shared_flags import AsJson
from ctcbench.files.text import printable_lines
from ctcbench.registry.plugin import Plugin


def plugins(
    tracebacks: Annotated[
        bool, typer.Option("--tracebacks", help="show the traceback of each plugin that did not load")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the installed plugins: version, components, load time, and the error of each that did not load."""
    installed = registry()
    if as_json:
        document = {"plugins": [_document(p) for p in installed.plugins], "conflicts": installed.conflicts}
        print_json(document)
        return
    table = Table("plugin", "version", "components")
    table.add_column("load ms", justify="right")
    for plugin in installed.plugins:
        # As Text throughout: in a string from another package, rich would read brackets as markup.
        contents = (
            Text(printable_lines(f"failed: {plugin.error}"), "red") if plugin.error else _contents(plugin)
        )
        table.add_row(Text(plugin.owner), Text(plugin.version), contents, f"{plugin.load_ms:.1f}")
    console = output_console()
    console.print(table)
    for plugin in installed.plugins:
        if plugin.loads_torch:
            text = (
                "loads torch when it is imported, so that every command takes longer; import it in builders"
            )
            console.print(Text(f"{plugin.owner}: {text}", "yellow"))
    for conflict in installed.conflicts:
        console.print(Text(conflict, "red"))
    for plugin in installed.failed:
        if tracebacks:
            console.print(Text(f"\n{plugin.owner}", "bold"))
            console.print(Text(printable_lines(plugin.traceback.rstrip())), soft_wrap=True)
    if installed.failed and not tracebacks:
        console.print("`ctcbench plugins --tracebacks` shows the tracebacks")


def _contents(plugin: Plugin) -> Text:
    """Return the components and report columns of a plugin, a line for each kind."""
    kinds: dict[str, list[str]] = {}
    for component in plugin.components:
        kinds.setdefault(component.kind, []).append(component.name)
    lines = [Text.assemble((f"{kind} ", "dim"), ", ".join(names)) for kind, names in kinds.items()]
    if plugin.columns:
        lines.append(Text.assemble(("column ", "dim"), ", ".join(column.header for column in plugin.columns)))
    return Text("\n").join(lines) if lines else Text("hooks only", "dim")


def _document(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module_name,
        "components": [{"kind": c.kind, "name": c.name, "summary": c.summary} for c in plugin.components],
        "columns": [column.header for column in plugin.columns],
        "load_ms": round(plugin.load_ms, 3),
        "loads_torch": plugin.loads_torch,
        "error": plugin.error or None,
        "traceback": plugin.traceback or None,
    }

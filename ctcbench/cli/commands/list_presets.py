"""`ctcbench presets`: lists the presets."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.presets import DEFAULT, PRESETS, preset_names, read_preset
from ctcbench.config.run_config import flag, setting_fields
from ctcbench.contract.options import show


def presets(
    as_json: AsJson = False,
) -> None:
    """List the presets: purpose and settings of each."""
    known = setting_fields()
    settings = {name: read_preset(name, known) for name in preset_names()}
    if as_json:
        print_json(settings)
        return
    table = Table.grid(padding=(0, 3, 1, 0))
    table.add_column(no_wrap=True)
    for name, values in settings.items():
        flags = " ".join(f"{flag(setting)} {show(value)}" for setting, value in values.items())
        note = "" if name == DEFAULT else " (on top of default)"
        table.add_row(Text(name, "bold cyan"), Text(f"{_purpose(name)}{note}\n").append(flags, "dim"))
    output_console().print(table)


def _purpose(name: str) -> str:
    """Return the comment in the first line of a preset's file."""
    # TOML has no field for it that would not be a setting.
    lines = (PRESETS / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    first = lines[0] if lines else ""
    return first.lstrip("# ") if first.startswith("#") else ""

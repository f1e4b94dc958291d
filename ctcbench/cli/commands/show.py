"""`ctcbench show`: the spec sheet of a configuration."""

from __future__ import annotations

import dataclasses

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.setting_flags import with_settings
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.run_config import RunConfig


@with_settings
def show(
    config: RunConfig,
    *,
    as_json: AsJson = False,
) -> None:
    """Show shapes stage by stage, parameters, FLOPs and frames per character."""
    from ctcbench.config.recipe import resolve

    # Before the imports of torch, so that a mistyped name is reported at once.
    recipe = resolve(registry(), config)
    from ctcbench.cli.views.spec_table import spec_tables
    from ctcbench.training.recognizer.spec_sheet import spec_sheet

    sheet = spec_sheet(recipe)
    if as_json:
        print_json(dataclasses.asdict(sheet))
        return
    console = output_console()
    for part in spec_tables(sheet):
        console.print(part)

"""`ctcbench tune`: a search for the best settings, with Optuna."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ctcbench.cli.completion import complete_component
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.shared_flags import EXECUTION, AsJson, Budget, CheckpointSeconds, Graph, Out
from ctcbench.config.budget import read_duration
from ctcbench.contract.errors import UsageError
from ctcbench.files.shell_words import join_quoted
from ctcbench.processes.signals import Interrupted
from ctcbench.study.seeds import read_seeds

_SEARCH = "Search"


def tune(
    ctx: typer.Context,
    search: Annotated[Path, typer.Argument(metavar="SEARCH", help="a TOML file with a table [space]")],
    trials: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="number of configurations to try (default: that of the file, else 20)",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="seeds of each configuration: a number (5: 0 to 4), or a list (3,5,7; one seed: 3,)",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="name of the search (default: its file's name)", rich_help_panel=_SEARCH
        ),
    ] = None,
    budget: Budget = None,
    out: Out = Path("runs"),
    executor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="what runs the trials (default: the one of the search's last start, else local)",
            rich_help_panel=EXECUTION,
            autocompletion=complete_component("executor"),
        ),
    ] = None,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="run failed trials again", rich_help_panel=EXECUTION),
    ] = False,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    graph: Graph = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="check the file and show the space", rich_help_panel=EXECUTION),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search for the best settings with Optuna; trials that are not promising are stopped early."""
    # Imports numpy, which `tune --help` must not wait for.
    from ctcbench.cli.search_space_output import print_search_space
    from ctcbench.results.decoder_key import FILE_NAME, is_file_name
    from ctcbench.study.search.search_file import check_configurations, read_search

    # The name becomes a folder in `out`.
    if name is not None and not is_file_name(name):
        raise UsageError(f"--name {name}: expected {FILE_NAME}")
    spec = read_search(registry(), search)
    if seeds is not None:
        try:
            spec = replace(spec, seeds=read_seeds(seeds))
        except UsageError as error:
            # The message begins with the key of the file, which is the name of the flag as well.
            raise UsageError(f"--{error}") from None
    if budget is not None:
        read_duration(budget)
        spec = replace(spec, budget=budget)
    if budget is not None or seeds is not None:
        # From now on a wrong value is a flag's, so that errors must not name the file.
        check_configurations(registry(), replace(spec, path=None))
    spec = replace(spec, name=name or spec.name, trials=trials or spec.trials)
    if dry_run:
        print_search_space(spec, as_json=as_json)
        return
    try:
        import optuna  # noqa: F401 (an error that names the package, before modules that need it)
    except ImportError as error:
        raise UsageError(
            f"Optuna, which proposes the trials, can't be imported ({error}): pip install 'ctcbench[optuna]'"
        ) from None
    from ctcbench.cli.search_run import SearchRequest, run_search

    request = SearchRequest(
        spec=spec,
        out=out,
        executor=executor or spec.executor,
        checkpoint_seconds=checkpoint_seconds,
        retry_failed=retry_failed,
        graph=graph,
        as_json=as_json,
        # Resumed without the flag: by then the failed trials run again.
        command=join_quoted(["ctcbench", *(word for word in ctx.obj if word != "--retry-failed")]),
    )
    try:
        code = run_search(registry(), request)
    except KeyboardInterrupt:  # before the first trial, or during the report
        raise Interrupted(f"interrupted; resume with: {request.command}") from None
    if code:
        raise typer.Exit(code)

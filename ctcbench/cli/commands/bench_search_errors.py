"""`ctcbench bench search-errors`: how often decoders miss the most probable labelling. Imports no torch."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ctcbench.cli.completion import complete_component
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json, spinner
from ctcbench.cli.run_folder_argument import named_run
from ctcbench.cli.shared_flags import AsJson
from ctcbench.contract.errors import UsageError
from ctcbench.reporting.formats.component_cell import ComponentCell
from ctcbench.reporting.number_format import percent

if TYPE_CHECKING:
    from ctcbench.benchmarks.search_errors import DecoderErrors, SearchErrors
    from ctcbench.registry.component_registry import Registry


def search_errors(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    decoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="name or name:option=value; may be repeated (default: the decoder of the run)",
            autocompletion=complete_component("decoder"),
        ),
    ] = None,
    nodes: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=2**31 - 1, help="prefixes that the search for a proof may store"
        ),
    ] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Count the test images whose labelling is less probable than the proven best.

    The most probable labelling of each image is found with a proof, and the labelling of each decoder is
    scored exactly, by the stored log-probabilities of the run. A decoder with a constraint, such as
    beam_cpp:length=5, is compared with the most probable labelling that the constraint accepts. Images
    without a proof are not counted. Decoders that search something else, such as the least expected error,
    or that have a language model or a blank penalty, are left out.
    """
    folder = named_run(run)
    if not folder.has(folder.log_probs_path("test")):
        raise UsageError(f"{run}: the run is not finished, so it has no log-probabilities yet")
    # Import numpy, after a mistyped folder was reported.
    from ctcbench.benchmarks.search_errors import find_search_errors
    from ctcbench.files.attached_files import only_stored_files
    from ctcbench.results.decoder_files import read_decoder_files
    from ctcbench.results.stored_config import stored_config

    config, installed = stored_config(folder), registry()
    # The settings may be a stranger's: for the decoder in them no file outside of the folder is opened.
    files = None if decoder else read_decoder_files(installed, folder, config.decoder)
    with contextlib.nullcontext() if files is None else only_stored_files(files):
        names = [installed.resolve("decoder", name) for name in decoder or [config.decoder]]
        _require_ctc(installed, names, config.loss, run)
        with spinner() as show:
            found = find_search_errors(
                installed,
                folder.read_log_probs("test"),
                names,
                nodes=nodes,
                progress=show,
            )
    if as_json:
        print_json(dataclasses.asdict(found))
        return
    console = output_console()
    console.print(_table(found, run))
    for row in found.decoders:
        # One line for all decoders that were compared with the same labellings.
        first = next(one for one in found.decoders if one.optima is row.optima)
        if first is row:
            _print_optima(console, row, found.images)
    for name, objective in found.left_out.items():
        console.print(Text(f"left out: {name} searches {objective}, not the most probable labelling"))


def _print_optima(console: Console, row: DecoderErrors, images: int) -> None:
    optima = row.optima
    proofs = ", ".join(f"{name} {count:,}" for name, count in sorted(optima.proofs.items()) if name != "none")
    among = f"{row.decoder}: " if optima.within_constraint else ""
    inside = " among the texts that its constraint accepts" if optima.within_constraint else ""
    console.print(Text(f"{among}{optima.proven:,} of {images:,} images proven{inside} ({proofs})"))
    unproven = optima.proofs.get("none", 0)
    if unproven and optima.largest_gap is not None:
        console.print(
            "without a proof another labelling is at most "
            f"exp({optima.largest_gap:.3g}) times as probable; --nodes raises the limit"
        )


def _require_ctc(installed: Registry, decoders: Sequence[str], loss: str, run: Path) -> None:
    others = [f"--decoder {name}" for name in decoders if installed.alignment("decoder", name) != "ctc"]
    others += [] if installed.alignment("loss", loss) == "ctc" else [f"{run} (loss {loss})"]
    if others:
        raise UsageError(f"{', '.join(others)}: not for CTC; the most probable labelling is that of CTC")


def _table(found: SearchErrors, run: Path) -> Table:
    title = Text(f"{run}: search errors")
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("decoder")
    for header in ("errors", "rate", "95 % interval", "mean log-prob lost"):
        table.add_column(header, justify="right", no_wrap=True)
    for row in found.decoders:
        low, high = row.interval
        table.add_row(
            ComponentCell(row.decoder),
            f"{row.errors:,}",
            percent(row.rate),
            f"{percent(low)} – {percent(high)}",
            f"{row.lost:.3g}" if row.errors else "",
        )
    return table

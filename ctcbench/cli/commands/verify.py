"""`ctcbench verify`: compares the files of finished runs with their manifests. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctcbench.cli.exit_codes import FAILED
from ctcbench.cli.output import print_line
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.manifest import MANIFEST
from ctcbench.files.shell_words import quote_word
from ctcbench.files.text import one_line
from ctcbench.results.out_folder import find_runs, hint_at_runs
from ctcbench.results.run_folder import RunFolder

_LISTED = 10  # files that a line names


def verify(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS…", help="run folders, or folders of runs")],
    accept: Annotated[
        bool, typer.Option("--accept", help=f"write {MANIFEST} anew for the files as they are now")
    ] = False,
) -> None:
    """Compare every file of finished runs with the digests that were stored when it was written."""
    folders = list({found.path.resolve(): found for out in runs for found in find_runs(out)}.values())
    if not folders:
        hint = hint_at_runs(runs)
        raise UsageError(f"{', '.join(map(str, runs))}: no runs there{'; ' if hint else ''}{hint}")
    all_match = True
    for folder in folders:
        try:
            matches, text = _accept(folder) if accept else _compare(folder)
        except CtcbenchError as error:
            matches, text = False, str(error)
        all_match = all_match and matches
        print_line(one_line(text))
    if not all_match:
        raise typer.Exit(FAILED)


def _compare(folder: RunFolder) -> tuple[bool, str]:
    """Return whether the files of a run match its manifest, and a sentence on it."""
    if not folder.files.is_sealed:
        if not folder.is_finished:
            return True, f"{folder.path}: training is not finished, so there is no {MANIFEST} yet"
        return False, f"{folder.path}: no {MANIFEST}, as in runs of earlier versions; --accept writes one"
    names = folder.files.existing()
    faults = {
        "changed": folder.files.differences(names),
        # Removing the files of a decoder is allowed: a report has only what the others left.
        "missing": [
            name for name in folder.files.missing(names) if not name.startswith(("results/", "predictions/"))
        ],
    }
    named = "; ".join(f"{what}: {_listed(found)}" for what, found in faults.items() if found)
    if not named:
        return True, f"{folder.path}: all {len(names)} files are as they were written"
    if not folder.is_finished:
        config = quote_word(str(folder.config_path))
        # Also the state after a kill between the manifest and the summary, which is written last.
        out = quote_word(str(folder.path.parent))
        remedy = f"or finish the run: `ctcbench run --config {config} --out {out} --resume` (or --fresh)"
        return False, f"{folder.path}: {named}; restore them, {remedy}"
    return False, f"{folder.path}: {named}; restore them, or use --accept"


def _accept(folder: RunFolder) -> tuple[bool, str]:
    """Write the manifest of a run anew; return whether that was possible, and a sentence on it."""
    if not folder.is_finished:
        return _compare(folder)  # without weights and summary there is nothing to accept
    with folder.lock("accepting the files of this run folder"):
        names = folder.files.existing()
        try:
            changed = folder.files.differences(names) + folder.files.missing(names)
        except CtcbenchError:  # no manifest, or a damaged one
            changed = names
        folder.files.seal(names, {})
    return True, f"{folder.path}: accepted {_listed(changed) or 'no change'}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more

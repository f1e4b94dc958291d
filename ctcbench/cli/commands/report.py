"""`ctcbench report`: a report of stored results, one row per configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ctcbench.cli.completion import complete_choice, require_choice
from ctcbench.cli.exit_codes import FAILED
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, output_stream, print_file, print_json_text
from ctcbench.contract.errors import UsageError
from ctcbench.files.output_files import require_output, write_output
from ctcbench.files.text import one_line
from ctcbench.reporting.formats.file_formats import FILE_FORMATS, format_of
from ctcbench.results.out_folder import find_runs, hint_at_runs, hint_at_unfinished, is_run, is_study
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_results import find_results

if TYPE_CHECKING:
    from ctcbench.reporting.report_model import Report

_TABLE = "table"
FORMATS = (_TABLE, *FILE_FORMATS)


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUNS…", help="run folders, folders of runs, or studies")
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="SETTING,…",
            help="settings that define a row; `configuration` is the name in a study (default: all "
            "settings that differ, except the seed)",
        ),
    ] = None,
    given_form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="|".join(FORMATS),
            help=f"output format (default: that of the suffix of -o, without -o {_TABLE})",
            autocompletion=complete_choice(FORMATS),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the same as --format json")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="write to this file instead of standard output"),
    ] = None,
) -> None:
    """Report stored results: configurations over their seeds, main effects, paired tests, warnings."""
    # Before results are read, which takes long for many runs.
    form = _choose_format(given_form, as_json, output)
    _require_place(form, output, is_given=given_form is not None)
    results, damaged = collect_results(runs)
    problems = [one_line(problem) for problem in damaged]
    for problem in problems if form != _TABLE else ():  # the table lists them itself
        # Standard output is the report alone.
        print(f"ctcbench report: {problem}", file=sys.stderr)
    from ctcbench.reporting.build_report import build_report
    from ctcbench.reporting.study_records import find_failures, find_studied, find_unfinished_studies

    for line in find_unfinished_studies(*runs):
        print(f"ctcbench report: {one_line(line)}", file=sys.stderr)
    failures = find_failures(*runs)
    if not (results or problems or failures):
        usual = "`ctcbench run --out FOLDER` stores results"
        hint = hint_at_unfinished(runs) or hint_at_runs(runs) or usual
        raise UsageError(f"{', '.join(map(str, runs))}: no results; {hint}")
    installed = registry()
    found = build_report(
        results,
        split_settings(by),
        columns=installed.columns(),
        damaged=problems,
        failures=failures,
        studied={path: known for out in dict.fromkeys(runs) for path, known in find_studied(out).items()},
    )
    _write(found, form, output)
    # The report has all results that can be read; the exit code tells a script that some are missing.
    if problems:
        raise typer.Exit(FAILED)


def collect_results(runs: list[Path]) -> tuple[list[Result], list[str]]:
    """Return the results in run folders, folders of them and studies, and a line for each damaged file.

    Raises:
        UsageError: one of `runs` is not a folder, or can't be read.
    """
    from ctcbench.reporting.study_records import planned_results

    results: list[Result] = []
    problems: list[str] = []
    # `report runs runs/<key>` names a run twice; its results must not count twice.
    folders = {found.path.resolve(): found for out in runs if not is_study(out) for found in find_runs(out)}
    wanted: dict[Path, set[str]] = {}
    for study in filter(is_study, runs):
        for path, keys in planned_results(study).items():
            # All results of a folder that is given itself; of others those of the study.
            if path.resolve() not in folders and is_run(path):
                wanted.setdefault(path, set()).update(keys)
    for folder in [*folders.values(), *map(RunFolder, wanted)]:
        found, damaged = find_results(folder)
        chosen = wanted.get(folder.path)
        results += [one for one in found if chosen is None or (one.path and one.path.stem in chosen)]
        problems += damaged
    return results, problems


def split_settings(by: list[str] | None) -> list[str] | None:
    """Return the settings of ``--by backbone,head --by lr``, or None without the flag."""
    if by is None:
        return None
    # A setting may be written like its flag, with hyphens.
    names = [name.strip().replace("-", "_") for part in by for name in part.split(",")]
    if not all(names):
        raise UsageError(f"--by {','.join(by)}: expected settings separated by commas, such as backbone,head")
    return names


def _choose_format(given: str | None, as_json: bool, output: Path | None) -> str:
    """Return the format of ``--format`` or ``--json``, else the one of the output's suffix.

    Raises:
        UsageError: there is no such format, or two of the three contradict each other.
    """
    form = None if given is None else require_choice("--format", given, FORMATS)
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form}: give one of them")
    form = "json" if as_json else form
    meant = output and format_of(output)
    if output and meant and form not in (None, _TABLE) and not FILE_FORMATS[form].has_suffix(output):
        raise UsageError(
            f"-o {output}: the suffix is that of --format {meant}, not of {form}; change one of them"
        )
    return form or meant or _TABLE


def _require_place(form: str, output: Path | None, *, is_given: bool) -> None:
    """Check that the format, which was given or follows from the suffix, can be written to the output.

    Raises:
        UsageError: HTML or SVG would be printed on a terminal, the terminal's table would be written to a
            file, or the folder of the file does not exist.
    """
    medium = FILE_FORMATS[form].medium if form != _TABLE else ""
    if medium and output is None and output_stream().isatty():
        raise UsageError(f"--format {form}: a {medium} can't be shown in a terminal; use -o report.{form}")
    if form == _TABLE and output is not None:
        given = "the format table is for the terminal" if is_given else "its suffix is of no file format"
        raise UsageError(f"-o {output}: {given}; for a file use --format {'|'.join(FILE_FORMATS)}")
    if output is not None:
        require_output(output)


def _write(found: Report, form: str, output: Path | None) -> None:
    if form == _TABLE:
        from ctcbench.reporting.formats.terminal import report_table

        console = output_console()
        for part in report_table(found, console.width):
            console.print(part)
        return
    # A result file can contain a lone surrogate, which UTF-8 can't encode.
    data = FILE_FORMATS[form].render(found, registry()).encode("utf-8", "backslashreplace")
    if output is not None:
        write_output(output, data)
        print(output, file=sys.stderr)
    elif form == "json":
        print_json_text(data.decode())
    else:
        print_file(data)

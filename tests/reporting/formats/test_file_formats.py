"""The table of file formats: an entry is a format of `ctcbench report`."""

from __future__ import annotations

import sys
import types

from ctcbench.__main__ import main
from ctcbench.reporting.formats import file_formats
from ctcbench.reporting.formats.file_formats import FILE_FORMATS, FileFormat
from tests.reporting.report_cases import a_run


def test_an_entry_is_called_with_the_report_and_with_the_registry_if_it_takes_it(registry, monkeypatch):
    module = types.ModuleType("mine")
    module.count = lambda report: f"{len(report)} rows"
    module.both = lambda report, installed: f"{len(report)} rows, {installed is registry}"
    monkeypatch.setitem(sys.modules, f"{file_formats.__package__}.mine", module)
    assert FileFormat("mine:count").render((1, 2), registry) == "2 rows"
    assert FileFormat("mine:both", takes_registry=True).render((1, 2), registry) == "2 rows, True"


def test_every_format_is_written_to_a_file(tmp_path, capsys):
    folder = a_run(tmp_path / "runs").folder
    (folder / "metrics.jsonl").write_text('{"kind": "steps", "step": 1, "loss": 3.5}\n')  # svg draws them
    runs = folder.parent
    for name in FILE_FORMATS:
        path = tmp_path / f"report.{name}"
        assert main(["report", str(runs), "--format", name, "-o", str(path)]) == 0, capsys.readouterr().err
        assert path.stat().st_size > 0


def test_the_table_of_the_terminal_is_not_written_to_a_file(tmp_path, capsys):
    runs = a_run(tmp_path / "runs").folder.parent
    assert main(["report", str(runs), "-o", str(tmp_path / "report.txt")]) == 2
    assert "for a file use --format md|csv|latex|json|html|svg" in capsys.readouterr().err

"""The output paths of `ctcbench report -o` and `ctcbench data preview --out`."""

from __future__ import annotations

from pathlib import Path

from ctcbench.__main__ import main
from tests.reporting.report_cases import a_run


def test_a_report_is_written_to_the_target_of_a_link(tmp_path, capsys):
    a_run(runs := tmp_path / "runs")
    link = tmp_path / "link.md"
    link.symlink_to("report.md")
    assert main(["report", str(runs), "--format", "md", "-o", str(link)]) == 0
    assert link.is_symlink() and "| exact % |" in (tmp_path / "report.md").read_text()
    capsys.readouterr()
    missing = tmp_path / "mistyped" / "report.md"
    assert main(["report", str(runs), "--format", "md", "-o", str(missing)]) == 2
    assert f"{missing}: no folder {missing.parent} to write it in" in capsys.readouterr().err
    assert not missing.parent.exists()


def test_a_missing_folder_is_an_error_before_the_preview_is_drawn(tmp_path, capsys):
    missing: Path = tmp_path / "mistyped" / "sheet.png"
    assert main(["data", "preview", "nothing-of-that-name", "--out", str(missing)]) == 2
    assert "no folder" in capsys.readouterr().err and not missing.parent.exists()

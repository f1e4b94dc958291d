"""Empty reports, and values that would break a table."""

from __future__ import annotations

import json

from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.csv_json import to_csv, to_json
from ctcbench.reporting.formats.latex import to_latex
from ctcbench.reporting.formats.markdown import to_markdown
from tests.reporting.report_cases import a_run, shown


def test_every_format_of_an_empty_report():
    empty = build_report([])
    assert to_csv(empty) == "" and json.loads(to_json(empty))["rows"] == []
    assert to_markdown(empty) == "" and "tabular" not in to_latex(empty) and shown(empty, 80) == ""


def test_special_characters_in_values(tmp_path):
    """A path can contain bars, brackets and underscores."""
    path = "folder:path='/a_b|c/[bold]<i>&%'"
    report = build_report([a_run(tmp_path, dataset=path), a_run(tmp_path, dataset="captcha", lr=0.1)])
    assert path in " ".join(shown(report, 200).split())
    assert "\\|c/\\[bold\\]&lt;i>&amp;%" in to_markdown(report)
    assert r"a\_b\textbar{}c/[bold]$<$i$>$\&\%" in to_latex(report).replace(r"\allowbreak{}", "")

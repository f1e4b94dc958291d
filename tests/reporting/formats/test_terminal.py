"""The report in terminals of every width."""

from __future__ import annotations

import dataclasses
import re

import pytest

from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.tables import result_table
from tests.reporting.report_cases import a_run, shown


def figures(text):
    return set(re.findall(r"[−+]?\d+\.\d*", text))


@pytest.mark.parametrize("width", [80, 100, 120, 160, 220])
def test_the_report_fits_the_terminal(report, width):
    text = shown(report, width)
    assert max(map(len, text.splitlines())) <= width
    said = " ".join(text.split())
    words = [
        "95 % interval", "▲ 5–8", "main effects", "cnn2 → cnn3", "paired tests", "Holm", "0/3",
        "warning: ", "left out: x.json: damaged", "failed: ", "(cnn9_x): out of memory", "±",
    ]  # fmt: skip
    for word in words:
        assert word in said, word
    # No figure is ever cut: they would be wrong figures.
    assert "…" not in text
    no_figure_is_cut(report, text)


@pytest.mark.parametrize("width", range(36, 80, 4))
def test_rows_become_lists_if_no_table_fits(report, width):
    text = shown(report, width)
    assert max(map(len, text.splitlines())) <= width
    no_figure_is_cut(report, text)
    for word in ("results", "main effects", "paired tests", "cnn2", "noise"):
        assert word in text


def no_figure_is_cut(report, text):
    assert figures(text) <= figures(shown(report, 260))
    for row in report.rows:
        assert f"{row.metrics['exact'].mean * 100:.2f} ± {row.metrics['exact'].sd * 100:.2f}" in text


def test_columns_without_text_are_left_out(report):
    table = result_table(report)
    empty = ("better than", table.headers[1])  # the second is an axis, whose columns remain
    lines = [
        tuple("" if header in empty else text for header, text in zip(table.headers, line, strict=True))
        for line in table.lines
    ]
    kept = dataclasses.replace(table, lines=tuple(lines)).without_empty_columns().headers
    assert kept == tuple(header for header in table.headers if header != "better than")


def test_a_wide_terminal_shows_all_columns(report):
    text = shown(report, 260)
    for header in result_table(report).headers:
        assert header in text
    assert "best run of each row" not in text and "best run of each row" in shown(report, 90)


def test_names_are_broken_between_options(tmp_path):
    datasets = ("captcha", "captcha:length=4,noise=none,width=180,height=60")
    report = build_report([a_run(tmp_path, dataset=dataset, seed=s) for dataset in datasets for s in (0, 1)])
    results, _, rest = shown(report, 80).partition("exact: mean")
    for part in ("captcha:", "length=4,", "noise=none,", "width=180,", "height=60"):
        assert part in results and part in rest, part


@pytest.mark.parametrize("width", range(60, 110, 5))
def test_a_best_run_is_on_one_line_with_the_number_of_its_row(report, width):
    lines = shown(report, width).splitlines()
    for row in report.rows:
        assert any(f"{row.number} {row.folders[row.best].name}" in line for line in lines)

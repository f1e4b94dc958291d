"""A report in every format, from the same model."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess

import pytest
from rich.console import Console

from ctcbench.contract.hooks import Column
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.csv_json import to_csv, to_json
from ctcbench.reporting.formats.latex import escape, to_latex
from ctcbench.reporting.formats.markdown import to_markdown
from ctcbench.reporting.formats.terminal import report_table
from ctcbench.reporting.number_format import p_value, ranges, signed
from ctcbench.reporting.report_model import Failure
from ctcbench.reporting.tables import result_table
from tests.reporting.report_cases import a_grid, a_run


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("formats")
    results = a_grid(out, seeds=3)
    return build_report(
        results,
        columns=[Column("joules", lambda document: "7|8")],
        damaged=["x.json: damaged"],
        failures=[Failure(out / "abc", "out of memory", "cnn9_x")],
    )


def figures(text):
    return set(re.findall(r"[−+]?\d+\.\d*", text))


def shown(report, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for part in report_table(report, width):
        console.print(part)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 160, 220])
def test_the_terminal_gets_what_fits(report, width):
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
def test_where_no_table_fits_rows_become_lists(report, width):
    text = shown(report, width)
    assert max(map(len, text.splitlines())) <= width
    no_figure_is_cut(report, text)
    for word in ("results", "main effects", "paired tests", "cnn2", "noise"):
        assert word in text


def no_figure_is_cut(report, text):
    assert figures(text) <= figures(shown(report, 260))
    for row in report.rows:
        assert f"{row.metrics['exact'].mean * 100:.2f} ± {row.metrics['exact'].sd * 100:.2f}" in text


def test_a_wide_terminal_gets_everything(report):
    text = shown(report, 260)
    for header in result_table(report).headers:
        assert header in text
    assert "best run of each row" not in text and "best run of each row" in shown(report, 90)


def test_markdown(report):
    text = to_markdown(report)
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert tables[0].splitlines()[0].startswith("| # | backbone | head | decoder | n | exact % |")
    assert r"7\|8" in tables[0] and len(tables[0].splitlines()) == 10
    assert "### Left out, as they can't be read\n\n- x.json: damaged\n" in text
    for heading in ("### Main effects", "### Paired tests", "### Warnings", "### Failed"):
        assert heading in text


def test_csv_has_every_figure_in_full(report):
    records = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert len(records) == 8
    for record, row in zip(records, report.rows, strict=True):
        exact = row.metrics["exact"]
        assert float(record["exact"]) == exact.mean and float(record["exact_sd"]) == exact.sd
        assert (float(record["exact_low"]), float(record["exact_high"])) == exact.interval
        assert tuple(map(float, record["exact_values"].split(";"))) == exact.values
        assert record["seeds"] == "0;1;2" and record["backbone"] == row.axes["backbone"]
        assert float(record["train_seconds"]) == row.cost["train_seconds"].mean
        assert record["better_than"] == ";".join(map(str, row.better_than))
        assert record["joules"] == "7|8" and len(record["runs"].split(";")) == 3


def test_json_is_one_document_with_all_of_it(report):
    document = json.loads(to_json(report))
    assert document["schema"] == 1 and document["axes"] == ["backbone", "head", "decoder"]
    assert [row["number"] for row in document["rows"]] == list(range(1, 9))
    row = document["rows"][0]
    assert row["metrics"]["exact"]["mean"] == report.rows[0].metrics["exact"].mean
    assert row["runs"][0]["config"]["backbone"] == "cnn3" and row["runs"][0]["schema"] == 1
    assert len(document["comparisons"]) == 28 and document["comparisons"][0]["exact"]["p_holm"] <= 1
    assert {effect["axis"] for effect in document["effects"]} == {"backbone", "head", "decoder"}
    assert document["damaged"] == ["x.json: damaged"]
    assert document["failures"][0]["error"] == "out of memory"
    assert all(warning["kind"] and warning["text"] for warning in document["warnings"])


def test_numbers_that_json_has_no_word_for_become_null(tmp_path):
    result = a_run(tmp_path)
    result.provenance["odd"] = float("nan")  # JSON written elsewhere can have it
    document = json.loads(to_json(build_report([result])), parse_constant=pytest.fail)
    assert document["rows"][0]["runs"][0]["provenance"]["odd"] is None


def test_latex_is_well_formed(report):
    text = to_latex(report)
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    body = re.sub(r"(?m)(?<!\\)%.*$", "", text)  # without comments
    plain = re.sub(r"\\.", "", body)
    assert plain.count("{") == plain.count("}") and plain.count("$") % 2 == 0
    assert not re.search(r"[_#]", re.sub(r"\\label\{[^}]*\}", "", plain))
    assert body.isascii()
    for tabular in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", body, re.DOTALL):
        columns = re.sub(r"p\{\d+pt\}", "p", re.match(r"\{((?:[lr]|p\{\d+pt\})+)\}", tabular)[1])
        lines = [line for line in tabular.splitlines() if line.endswith(r"\\")]
        assert len(lines) >= 2
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(columns)}
        assert [tabular.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"beam\_cpp" in text and r"$\pm$" in text and r"95 \% interval" in text
    assert "\n\n\n" not in text
    assert "\n% left out, as it can't be read: x.json: damaged\n" in text


def plateaus(tmp_path, *left):
    return build_report(
        [
            a_run(
                tmp_path,
                provenance={"training": {} if step == "?" else {"left_plateau_step": step}},
                seed=seed,
            )
            for seed, step in enumerate(left)
        ]
    )


@pytest.mark.parametrize(
    ("left", "text"),
    [
        ((120, 90, 1310, 95), "108 (90 – 1,310)"),
        ((120, None, 90, None), "105 (90 – 120), 2 never"),
        ((None, None), "never"),
        ((120,), "120"),
        ((120, "?"), "120"),
    ],
)
def test_when_the_plateau_was_left_is_in_every_format(tmp_path, left, text):
    report = plateaus(tmp_path, *left)
    cells = result_table(report)
    assert dict(zip(cells.headers, cells.lines[0], strict=True))["plateau left"] == text
    said = shown(report, 250)
    assert text in said and "never: models that were on it at the end of training" in " ".join(said.split())
    assert text in to_markdown(report)
    assert escape(text) in to_latex(report)
    (record,) = csv.DictReader(io.StringIO(to_csv(report)))
    plateau = json.loads(to_json(report))["rows"][0]["plateau"]
    steps = [step for step in left if isinstance(step, int)]
    assert plateau["left"] == len(steps) and plateau["never"] == left.count(None) == int(
        record["plateau_never"]
    )
    assert (plateau["low"], plateau["high"]) == ((min(steps), max(steps)) if steps else (None, None))
    assert record["plateau_median"] == ("" if plateau["median"] is None else str(plateau["median"]))


def test_runs_that_do_not_tell_of_a_plateau_have_no_column_for_it(tmp_path):
    report = plateaus(tmp_path, "?", "?")
    assert "plateau left" not in result_table(report).headers and "plateau" not in to_markdown(report)


def a_hostile_report(tmp_path):
    path = "folder:path='/a_b|c/[bold]<i>&%~^{}$#--`/äöß_and_a_name_that_goes_on_and_on_and_on'"
    settings = [
        {"dataset": path},
        {"dataset": "captcha", "lr": 0.1},
        {"backbone": "cnn2:width=128,norm=none"},
    ]
    return build_report(
        [a_run(tmp_path, 0.4 + 0.1 * i, seed=seed, **s) for i, s in enumerate(settings) for seed in range(3)],
        columns=[Column("a plugin's own & long header", lambda document: "12345678901234567890")],
        damaged=["100 %"],
    )


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX here")
@pytest.mark.parametrize("which", ["grid", "hostile"])
def test_latex_compiles_and_fits_the_page(report, tmp_path, which):
    text = to_latex(report if which == "grid" else a_hostile_report(tmp_path / "runs"))
    start = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
    (tmp_path / "report.tex").write_text(start + text + "\\end{document}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert ended.returncode == 0, ended.stdout[-2000:]
    assert not re.findall(r"Overfull .*|Missing character.*", ended.stdout)


def test_latex_breaks_words_where_figures_leave_too_little_room(tmp_path):
    text = to_latex(a_hostile_report(tmp_path))
    assert (
        re.search(r"\\begin\{tabular\}\{l(?:l|p\{\d+pt\})+r+\}", text)
        and r"\raggedright folder:\allowbreak{}" in text
    )
    assert "own \\& long header" not in text  # no room for it
    results, took = text.split(r"\begin{table}")[1:3]
    assert "exact" in results and "collapsed" not in results
    assert "collapsed" in took and "exact" not in took and "plateau left: training step" in took


def test_latex_names_what_pdflatex_can_not_set(tmp_path):
    text = to_latex(build_report([a_run(tmp_path, dataset="folder:path=漢字"), a_run(tmp_path, lr=0.1)]))
    assert "% and XeLaTeX or LuaLaTeX with a font that has 字 漢\n" in text
    assert "LuaLaTeX" not in to_latex(build_report([a_run(tmp_path / "other")]))


def test_latex_escapes_all_that_is_special():
    assert escape(r"a\b{c}$d&e%f#g_h~i^j") == (
        r"a\textbackslash{}b\{c\}\$d\&e\%f\#g\_h\textasciitilde{}i\textasciicircum{}j"
    )
    assert escape("a\nb\x1bc") == "a b c" and escape("− – ±") == r"$-$ -- $\pm$"
    assert escape("a--b-c`") == r"a-{}-{}b-{}c\textasciigrave{}"  # no ligature is made of them


def test_every_format_of_an_empty_report():
    empty = build_report([])
    assert to_csv(empty) == "" and json.loads(to_json(empty))["rows"] == []
    assert to_markdown(empty) == "" and "tabular" not in to_latex(empty) and shown(empty, 80) == ""


def test_values_that_would_break_a_table(tmp_path):
    """A path with bars, brackets and underscores is a value like another."""
    path = "folder:path='/a_b|c/[bold]<i>&%'"
    report = build_report([a_run(tmp_path, dataset=path), a_run(tmp_path, dataset="captcha", lr=0.1)])
    assert path in " ".join(shown(report, 200).split())
    assert "\\|c/\\[bold\\]&lt;i>&amp;%" in to_markdown(report)
    assert r"a\_b\textbar{}c/[bold]$<$i$>$\&\%" in to_latex(report).replace(r"\allowbreak{}", "")


def test_pieces():
    assert ranges([5, 1, 2, 3, 7, 8]) == "1–3, 5, 7, 8"
    assert signed(-1e-9) == "+0.00"  # as sums of equal figures may leave it
    assert (signed(0.012), signed(-0.0031), p_value(0.0004), p_value(0.0312)) == (
        "+1.20",
        "−0.31",
        "< 0.001",
        "0.031",
    )

"""The report in LaTeX."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.latex import escape, to_latex
from tests.reporting.report_cases import a_hostile_report, a_run


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
        lines = [line for line in tabular.splitlines() if line.endswith((r"\\", r"\tabularnewline"))]
        assert len(lines) >= 2
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(columns)}
        assert [tabular.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"beam\_cpp" in text and r"$\pm$" in text and r"95 \% interval" in text
    assert "\n\n\n" not in text
    assert "\n% left out, as it can't be read: x.json: damaged\n" in text


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


def test_latex_breaks_labels_if_there_is_too_little_room(tmp_path):
    backbones = ("cnn2:width=128,norm=none,dropout=0.125", "cnn3")
    runs = [
        a_run(tmp_path, backbone=one, lr=lr, seed=s)
        for one in backbones
        for lr in (1e-5, 0.125)
        for s in (1, 2)
    ]
    results = to_latex(build_report(runs)).split(r"\begin{table}")[1]
    assert re.search(r"\\begin\{tabular\}\{l(?:l|p\{\d+pt\})+r+lr+\}", results)
    assert r"\raggedright cnn2:\allowbreak{}width=\allowbreak{}128" in results
    # No number is broken.
    assert r"dropout=\allowbreak{}0.125" in results and r"\allowbreak{}05" not in results


def test_latex_lists_long_labels_in_a_table_of_their_own(tmp_path):
    text = to_latex(a_hostile_report(tmp_path))
    assert "own \\& long header" not in text  # no room for it
    labels, results, took = text.split(r"\begin{table}")[1:4]
    assert re.search(r"\\begin\{tabular\}\{lp\{\d+pt\}\}", labels) and "parbox" not in labels
    # The last cell of a row: \\ would not end it.
    assert labels.count(r"\tabularnewline") == labels.count(r"\raggedright") > 0
    assert r"\raggedright folder:\allowbreak{}" in labels and "lr=" in labels and "folder" not in results
    assert re.search(r"\\begin\{tabular\}\{lr+lr+\}", results)
    assert "exact" in results and "collapsed" not in results
    assert "collapsed" in took and "exact" not in took and "plateau left: training step" in took


def test_latex_names_characters_that_pdflatex_cannot_set(tmp_path):
    text = to_latex(build_report([a_run(tmp_path, dataset="folder:path=漢字"), a_run(tmp_path, lr=0.1)]))
    assert "% and XeLaTeX or LuaLaTeX with a font that has 字 漢\n" in text
    assert "LuaLaTeX" not in to_latex(build_report([a_run(tmp_path / "other")]))


def test_latex_escapes_special_characters():
    assert escape(r"a\b{c}$d&e%f#g_h~i^j") == (
        r"a\textbackslash{}b\{c\}\$d\&e\%f\#g\_h\textasciitilde{}i\textasciicircum{}j"
    )
    assert escape("a\nb\x1bc") == "a b c" and escape("− – ±") == r"$-$ -- $\pm$"
    assert escape("a--b-c`") == r"a-{}-{}b-{}c\textasciigrave{}"  # no ligature is made of them

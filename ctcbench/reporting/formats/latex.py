"""A report in LaTeX: tables with booktabs, to be put into a paper as they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ctcbench.files.text import one_line
from ctcbench.reporting.report_cells import (
    BETTER,
    ON_IMAGES,
    Cells,
    comparison_cells,
    comparisons_legend,
    effect_cells,
    effects_legend,
    legend,
    row_cells,
)
from ctcbench.reporting.report_model import Report

_SHOWN = 40  # comparisons that fit on a page; of more, those with the best row
# The text of an article in 10 pt is 345 pt wide, which no page holds every column in. So results and what
# they took are two tables, and words are broken where figures leave them too little room.
_PAGE, _CHARACTER, _GAP, _LEAST = 345.0, 4.3, 6.0, 40.0  # pt: the page, a figure of 8 pt, between columns
_RESULTS = ("n", "exact %", "95 % interval", "better than", "CER %")
_LEFT_OUT = ("best run", "best (seed)", "char %", "edits")
_DISPENSABLE = ("decode ms", "train s", "parameters")
_EFFECTS_LEFT_OUT = ("CER 95 %", "pairs", "within noise")
_TESTS_LEFT_OUT = ("CER 95 %",)
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$",
    "|": r"\textbar{}", "`": r"\textasciigrave{}", "±": r"$\pm$", "–": "--", "−": "$-$", "·": r"$\cdot$",
    '"': "''", "→": r"$\rightarrow$", "×": r"$\times$", "≥": r"$\geq$", "…": r"\ldots{}",
    BETTER: r"$^{\ast}$", ON_IMAGES: r"$^{\dagger}$",
}  # fmt: skip
_LAST_LATIN = "\u017f"  # what pdflatex can set without more packages


def to_latex(report: Report) -> str:
    r"""Return the report as tables; the document needs ``\usepackage{booktabs}`` and nothing else."""
    parts = []
    if report.rows:
        parts += _results(report)
    if report.effects:
        cells = _without(effect_cells(report), _EFFECTS_LEFT_OUT)
        parts.append(_table(cells, "effects", [effects_legend()]))
    if report.comparisons:
        shown, notes = report.comparisons, [comparisons_legend()]
        if len(shown) > _SHOWN:
            shown = tuple(c for c in shown if c.first == 1)
            notes.append("Those with row 1.")
        parts.append(_table(_without(comparison_cells(shown), _TESTS_LEFT_OUT), "tests", notes))
    head = "% ctcbench report; needs \\usepackage{booktabs}\n"
    if others := sorted({c for c in "".join(parts) if c > _LAST_LATIN}):
        head += f"% and XeLaTeX or LuaLaTeX with a font that has {' '.join(others)}\n"
    parts += [_comment(f"warning: {warning.text}") for warning in report.warnings]
    parts += [_comment(f"left out, as it can't be read: {line}") for line in report.damaged]
    parts += [_comment(f"failed: {failure}") for failure in report.failures]
    return "\n".join([head, *parts])


def escape(text: str) -> str:
    """Return `text` so that LaTeX sets it as it is."""
    joined = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "".join(_ESCAPES.get(character, character) for character in joined.replace("-", "-\0")).replace(
        "-\0", "-{}"
    )


def _results(report: Report) -> list[str]:
    """Return two tables of the rows: how well they read, and what that took."""
    cells = row_cells(report, without=_LEFT_OUT)
    if any(room < _LEAST for room in _shares(_only(cells, _RESULTS)).values()):
        cells = row_cells(report, joined=True, without=_LEFT_OUT)
    good = _only(cells, _RESULTS)
    cost = _without(cells, [*_RESULTS, *cells.headers[1 : cells.words]], words=1)
    plugins = [header for header, _ in report.rows[0].columns]
    for header in (*plugins, *_DISPENSABLE):
        if sum(_widths(cost)) > _PAGE:
            cost = _without(cost, [header])
    tables = [_table(good, "results", legend(report, good.headers))]
    title = "What the rows took"
    return [*tables, _table(Cells(title, cost.headers, cost.lines, 1), "cost", legend(report, cost.headers))]


def _only(cells: Cells, headers: Sequence[str]) -> Cells:
    return _without(cells, [h for h in cells.headers[cells.words :] if h not in headers])


def _without(cells: Cells, headers: Sequence[str], words: int | None = None) -> Cells:
    for header in headers:
        cells = cells.without(header)
    return Cells(cells.title, cells.headers, cells.lines, cells.words if words is None else words)


def _widths(cells: Cells) -> list[float]:
    """Return about how wide every column is, in points, with the room beside it."""
    columns = zip(cells.headers, *cells.lines, strict=True)
    return [max(map(len, column)) * _CHARACTER + _GAP for column in columns]


def _shares(cells: Cells) -> dict[int, float]:
    """Return the columns of words that have to be broken, and the room for each, in points.

    Figures take what they need. What they leave is shared out evenly; a column that needs less than its
    share leaves the rest to the others.
    """
    widths = _widths(cells)
    words = range(1 if cells.headers[0] == "#" else 0, cells.words)
    room = _PAGE - sum(width for i, width in enumerate(widths) if i not in words)
    left = sorted(words, key=lambda i: widths[i])
    while left and widths[left[0]] <= room / len(left):
        room -= widths[left.pop(0)]
    return {i: max(room / len(left), _LEAST) - _GAP for i in left}


def _table(cells: Cells, label: str, notes: Sequence[str]) -> str:
    broken = _shares(cells)
    columns = ["l"] * cells.words + ["r"] * (len(cells.headers) - cells.words)
    for i, width in broken.items():
        columns[i] = f"p{{{width:.0f}pt}}"
    lines = [
        r"\begin{table}[tbp]",
        r"\centering",
        rf"\caption{{{escape(cells.title[:1].upper() + cells.title[1:])}}}",
        rf"\label{{tab:ctcbench-{label}}}\par\smallskip",
        r"\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\begin{{tabular}}{{{''.join(columns)}}}",
        r"\toprule",
        _line(cells.headers),
        r"\midrule",
        *(_line(line, broken) for line in cells.lines),
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip",
        rf"\parbox{{\linewidth}}{{\footnotesize {' '.join(map(escape, notes))}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], broken: Collection[int] = ()) -> str:
    set_cells = [_breakable(text) if i in broken else escape(text) for i, text in enumerate(cells)]
    # An empty group first: a cell that begins with a bracket would be taken for an argument of \\.
    return " & ".join("{}" + c if c.startswith(("[", "*")) else c for c in set_cells) + r" \\"


def _breakable(text: str) -> str:
    """Return a component string, escaped, with leave to break the line between its words."""
    return r"\raggedright " + re.sub(r"(\\_|-\{\}|[:,=/.])", r"\1\\allowbreak{}", escape(text))


def _comment(text: str) -> str:
    return "% " + one_line(text) + "\n"

"""A report in LaTeX: tables with booktabs, to be put into a paper as they are."""

from __future__ import annotations

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
_LEFT_OUT = ("best run", "best (seed)", "char %", "edits", "plateau left")  # or it is wider than a page
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$",
    "|": r"\textbar{}", "±": r"$\pm$", "–": "--", "−": "$-$", "·": r"$\cdot$",
    '"': "''", "→": r"$\rightarrow$", "×": r"$\times$", "≥": r"$\geq$", "…": r"\ldots{}",
    BETTER: r"$^{\ast}$", ON_IMAGES: r"$^{\dagger}$",
}  # fmt: skip


def to_latex(report: Report) -> str:
    r"""Return the report as tables; the document needs ``\usepackage{booktabs}`` and nothing else."""
    parts = ["% ctcbench report; needs \\usepackage{booktabs}\n"]
    if report.rows:
        parts.append(_table(row_cells(report, without=_LEFT_OUT), "results", legend(report)))
    if report.effects:
        parts.append(_table(effect_cells(report), "effects", [effects_legend()]))
    if report.comparisons:
        shown, notes = report.comparisons, [comparisons_legend()]
        if len(shown) > _SHOWN:
            shown = tuple(c for c in shown if c.first == 1)
            notes.append("Those with row 1.")
        parts.append(_table(comparison_cells(shown), "tests", notes))
    parts += [_comment(f"warning: {warning.text}") for warning in report.warnings]
    parts += [_comment(f"left out, as it can't be read: {line}") for line in report.damaged]
    parts += [_comment(f"failed: {failure}") for failure in report.failures]
    return "\n".join(parts)


def escape(text: str) -> str:
    """Return `text` so that LaTeX sets it as it is."""
    return "".join(_ESCAPES.get(character, character) for character in " ".join(text.split()))


def _table(cells: Cells, label: str, notes: list[str]) -> str:
    columns = "l" * cells.words + "r" * (len(cells.headers) - cells.words)
    lines = [
        r"\begin{table}[tbp]",
        r"\centering",
        rf"\caption{{{escape(cells.title.capitalize())}}}",
        rf"\label{{tab:ctcbench-{label}}}",
        r"\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _line(cells.headers),
        r"\midrule",
        *map(_line, cells.lines),
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip",
        rf"\parbox{{\linewidth}}{{\footnotesize {' '.join(map(escape, notes))}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    # An empty group first: a cell that begins with a bracket would be taken for an argument of \\.
    return " & ".join("{}" + escape(c) if c.startswith(("[", "*")) else escape(c) for c in cells) + r" \\"


def _comment(text: str) -> str:
    return "% " + " ".join(text.split()) + "\n"

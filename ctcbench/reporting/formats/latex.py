"""A report in LaTeX: tables with booktabs that can be included in a paper without changes."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from ctcbench.files.text import one_line
from ctcbench.reporting.columns import BETTER, ON_IMAGES
from ctcbench.reporting.report_column import ReportColumn
from ctcbench.reporting.report_model import Report, Row
from ctcbench.reporting.tables import AnyColumn, AnyTable, Table, analyses, legend, result_table

_MOST_COMPARISONS = 40  # that fit on a page; if there are more, those with the best row are shown
# Widths in pt. The text of an article in 10 pt is 345 pt wide, too narrow for all columns. So results and
# costs are two tables, and labels are broken over lines if the numbers leave them too little room.
_PAGE = 345.0
_CHARACTER = 4.3  # a digit of 8 pt
_GAP = 6.0  # between two columns
_LEAST = 40.0  # least room for a label
_MOST_LINES = 5  # of a label beside the metrics; longer ones have a table of their own
# Also typographic characters, which pdfLaTeX sets only by its own commands.
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$",
    "|": r"\textbar{}", "`": r"\textasciigrave{}", "±": r"$\pm$", "–": "--", "−": "$-$", "·": r"$\cdot$",
    '"': "''", "→": r"$\rightarrow$", "×": r"$\times$", "≥": r"$\geq$", "…": r"\ldots{}",
    BETTER: r"$^{\ast}$", ON_IMAGES: r"$^{\dagger}$",
}  # fmt: skip
_LAST_LATIN = "\u017f"  # pdflatex can set no character beyond it without more packages


def to_latex(report: Report) -> str:
    r"""Return the report as tables; the document needs ``\usepackage{booktabs}`` and nothing else."""
    parts = []
    if report.rows:
        parts += _results(report)
    for analysis in analyses(report, _MOST_COMPARISONS):
        notes = [analysis.legend, *(["Those with the best row."] if analysis.is_cut else [])]
        parts.append(_table(_keep_columns_of(analysis.table, "results"), analysis.name, notes))
    head = "% ctcbench report; needs \\usepackage{booktabs}\n"
    if others := sorted({c for c in "".join(parts) if c > _LAST_LATIN}):
        head += f"% and XeLaTeX or LuaLaTeX with a font that has {' '.join(others)}\n"
    # As comments: a paper has its own words for them, and the file still has to be compiled as it is.
    parts += [_comment(f"warning: {warning.text}") for warning in report.warnings]
    parts += [_comment(f"left out, as it can't be read: {line}") for line in report.damaged]
    parts += [_comment(f"failed: {failure}") for failure in report.failures]
    return "\n".join([head, *parts])


def escape(text: str) -> str:
    """Return `text` with everything escaped that LaTeX would interpret."""
    # Hyphens are separated by {} so that LaTeX makes no dashes of "--"; \0 marks them until the end.
    joined = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "".join(_ESCAPES.get(character, character) for character in joined.replace("-", "-\0")).replace(
        "-\0", "-{}"
    )


def _results(report: Report) -> list[str]:
    """Return two tables of the rows: their metrics and their costs; before them their labels, if long."""
    table = result_table(report)
    # Axes have a column each if every label has enough room, otherwise they share one.
    metrics = _keep_columns_of(table, "results")
    if any(room < _LEAST for room in _room_for_labels(metrics).values()):
        metrics = _keep_columns_of(table.join_labels(), "results")
    cost = _keep_columns_of(table, "cost")
    # Columns of plugins are the first to go: their width is not ours.
    columns = sorted(cost.by_priority(), key=lambda column: column.origin != "plugin")
    cost = replace(_drop_columns(cost, columns), title="cost of the rows")
    metrics = _drop_columns(metrics, metrics.by_priority(), labels=_LEAST)
    labels = []
    if _lines_of_labels(metrics) > _MOST_LINES:
        labels = [_table(_configurations(report), "configurations", [])]
        metrics = _keep_columns_of(table, "results").keep(lambda column: column.kind != "label")
        metrics = _drop_columns(metrics, metrics.by_priority())
    return [
        *labels,
        _table(metrics, "results", legend(report, metrics)),
        _table(cost, "cost", legend(report, cost)),
    ]


def _configurations(report: Report) -> AnyTable:
    """Return a table of the rows' names, for labels that need too many lines beside the metrics."""
    number = result_table(report).columns[0]
    name = ReportColumn[Row]("configuration", lambda row: row.name, kind="label")
    return Table("configurations of the rows", (number, name), report.rows)


def _lines_of_labels(table: AnyTable) -> int:
    """Return the number of lines of the longest label."""
    rooms = _room_for_labels(table).items()
    return max(
        (math.ceil(len(line[i]) * _CHARACTER / room) for line in table.lines for i, room in rooms), default=1
    )


def _keep_columns_of(table: AnyTable, name: str) -> AnyTable:
    """Return the columns for the LaTeX table `name`; every table of rows starts with their numbers."""
    return table.keep(lambda column: column.latex == name or column.header == "#")


def _drop_columns(table: AnyTable, columns: Sequence[AnyColumn], labels: float = math.inf) -> AnyTable:
    """Return the table without as many of `columns` as it takes to fit the page, labels `labels` pt wide."""
    for column in columns:
        widths = zip(table.columns, _widths(table), strict=True)
        if sum(min(w, labels) if one.kind == "label" else w for one, w in widths) <= _PAGE:
            break
        table = table.keep(lambda other, dropped=column: other is not dropped)  # type: ignore[misc]
    return table


def _widths(table: AnyTable) -> list[float]:
    """Return the approximate width of every column with the gap beside it, in points."""
    texts = zip(table.headers, *table.lines, strict=True)
    # Every character counts as a digit, but # as two: the widths of the document's font are not known here.
    return [max(len(text) + text.count("#") for text in column) * _CHARACTER + _GAP for column in texts]


def _room_for_labels(table: AnyTable) -> dict[int, float]:
    """Return the label columns that have to be broken, by index, and the room for each in points.

    Other columns take what they need. The rest is shared evenly among the labels; a label that needs less
    than its share leaves the difference to the others.
    """
    widths = _widths(table)
    labels = [i for i, c in enumerate(table.columns) if c.kind == "label"]
    room = _PAGE - sum(width for i, width in enumerate(widths) if i not in labels)
    # The narrowest first: what one leaves over is shared among the wider ones.
    left = sorted(labels, key=lambda i: widths[i])
    while left and widths[left[0]] <= room / len(left):
        room -= widths[left.pop(0)]
    return {i: max(room / len(left), _LEAST) - _GAP for i in left}


def _table(table: AnyTable, label: str, notes: Sequence[str]) -> str:
    broken, legend = _room_for_labels(table), " ".join(map(_allow_breaks, notes))
    # Numbers to the right, so that their decimals are below each other.
    columns = ["r" if column.kind == "number" else "l" for column in table.columns]
    for i, width in broken.items():
        columns[i] = f"p{{{width:.0f}pt}}"
    lines = [
        r"\begin{table}[tbp]",
        r"\centering",
        rf"\caption{{{escape(table.title[:1].upper() + table.title[1:])}}}",
        rf"\label{{tab:ctcbench-{label}}}\par\smallskip",
        r"\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\begin{{tabular}}{{{''.join(columns)}}}",
        r"\toprule",
        _line(table.headers),
        r"\midrule",
        *(_line(line, broken) for line in table.lines),
        r"\bottomrule",
        r"\end{tabular}",
        *([r"\par\smallskip", rf"\parbox{{\linewidth}}{{\footnotesize {legend}}}"] if legend else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], broken: Collection[int] = ()) -> str:
    set_cells = [_breakable(text) if i in broken else escape(text) for i, text in enumerate(cells)]
    # \raggedright gives \\ another meaning, which ends a line of text and not the row.
    end = r" \tabularnewline" if len(cells) - 1 in broken else r" \\"
    # An empty group in front: a cell that begins with a bracket would be an argument of \\.
    return " & ".join("{}" + c if c.startswith(("[", "*")) else c for c in set_cells) + end


def _breakable(text: str) -> str:
    return r"\raggedright " + _allow_breaks(text)


def _allow_breaks(text: str) -> str:
    """Return a text, escaped, with breaks allowed between the parts of component strings."""
    # LaTeX breaks no word without a hyphen, and a component string is one word. Never within a number.
    return re.sub(r"(\\_|-\{\}(?!\d)|[:=/]|,(?!\d{3})|\.(?!\d))(?=\S)", r"\1\\allowbreak{}", escape(text))


def _comment(text: str) -> str:
    return "% " + one_line(text) + "\n"

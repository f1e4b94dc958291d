"""The tables of a report as cells of plain text, from which terminal, Markdown and LaTeX are set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ctcbench.files.text import one_line
from ctcbench.reporting.number_format import MISSING, count
from ctcbench.reporting.plateaus import Plateaus
from ctcbench.reporting.report_model import Comparison, Effect, Estimate, Interval, Report, Row
from ctcbench.reporting.report_warnings import ranges

BETTER, ON_IMAGES = "▲", "△"
_EMPTY = '""'
SCALED = "not the study at its full size; what trains on 16 images or fewer is whole"
# Columns in the order in which they are left out where there is no room.
DISPENSABLE = (
    "best run", "edits", "char %", "plateau left", "best (seed)", "decode ms", "train s", "parameters",
    "CER %", "n", "talk: exact %",
)  # fmt: skip
_Column = tuple[str, Callable[[Row], str]]


@dataclass(frozen=True)
class Cells:
    """A table: ``words`` says how many columns on the left are words; the others are figures.

    Settings, names of folders and the like are whatever others wrote: every cell is made one line.
    """

    title: str
    headers: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    words: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", tuple(map(one_line, self.headers)))
        object.__setattr__(self, "lines", tuple(tuple(map(one_line, line)) for line in self.lines))

    def without(self, header: str) -> Cells:
        """Return the table without a column of figures, if it has one of that name."""
        keep = [i for i, name in enumerate(self.headers) if name != header]
        lines = tuple(tuple(line[i] for i in keep) for line in self.lines)
        return Cells(self.title, tuple(self.headers[i] for i in keep), lines, self.words)


def row_cells(report: Report, *, joined: bool = False, without: Collection[str] = ()) -> Cells:
    """Return a line for each row; `joined` has the axes in one column, `without` leaves columns out."""
    axes = [(axis, _axis(axis)) for axis in report.axes]
    if joined or not axes:
        axes = [(" ".join(report.axes) or "configuration", _name)]
    columns: list[_Column] = [
        ("#", lambda row: str(row.number)),
        *axes,
        ("n", lambda row: str(row.n)),
        ("exact %", lambda row: plus_minus(row.metrics["exact"], 100)),
        ("95 % interval", lambda row: interval_of(row.metrics["exact"], 100)),
        ("better than", better_than),
        ("best (seed)", _best),
        ("collapsed", lambda row: f"{row.collapse.count}/{row.collapse.n}"),
        ("char %", lambda row: plus_minus(row.metrics["char_accuracy"], 100)),
        ("CER %", lambda row: plus_minus(row.metrics["cer"], 100)),
        ("edits", lambda row: plus_minus(row.metrics["edit_distance"], 1, 3)),
    ]
    columns += [
        ("parameters", lambda row: _cost(row, "parameters")),
        ("train s", lambda row: _cost(row, "train_seconds")),
        ("decode ms", lambda row: _cost(row, "decode_ms_per_image")),
    ]
    if with_plateaus(report):
        columns.append(("plateau left", lambda row: str(Plateaus.of(row))))
    if any(row.talk for row in report.rows):
        columns.append(("talk: exact %", _talk))
    for i, (header, _) in enumerate(report.rows[0].columns if report.rows else ()):
        columns.append((header, _plugin(i)))
    columns.append(("best run", lambda row: row.folders[row.best].name))
    columns = [column for column in columns if column[0] not in without]
    lines = tuple(tuple(text(row) for _, text in columns) for row in report.rows)
    title = f"results, {report.scaled}" if report.scaled else "results"
    return Cells(title, tuple(header for header, _ in columns), lines, 1 + len(axes))


def with_plateaus(report: Report) -> bool:
    """Say whether any run's training tells of the blank plateau."""
    return any(Plateaus.of(row).known for row in report.rows)


def _axis(axis: str) -> Callable[[Row], str]:
    return lambda row: row.axes[axis] or _EMPTY


def _plugin(index: int) -> Callable[[Row], str]:
    return lambda row: row.columns[index][1]


def _name(row: Row) -> str:
    return row.name


def effect_cells(report: Report) -> Cells:
    """Return a line for each change of a level: what it does to exact accuracy and CER, in points."""
    changes: dict[tuple[str, str, str], dict[str, Effect]] = {}
    for effect in report.effects:
        changes.setdefault((effect.axis, effect.baseline, effect.level), {})[effect.metric] = effect
    lines = []
    for (axis, baseline, level), found in changes.items():
        exact, cer = found["exact"], found["cer"]
        lines.append(
            (
                axis, f"{baseline or _EMPTY} → {level or _EMPTY}",
                signed(exact.difference), interval(exact.interval, 100), signed(cer.difference),
                interval(cer.interval, 100), str(exact.seeds), str(exact.pairs),
                "" if exact.interval is None else "yes" if exact.within_noise else "no",
            )
        )  # fmt: skip
    headers = ("axis", "change", "exact, points", "95 % interval", "CER, points", "CER 95 %")
    return Cells("main effects", (*headers, "seeds", "pairs", "within noise"), tuple(lines), 2)


def comparison_cells(comparisons: Sequence[Comparison]) -> Cells:
    """Return a line for each paired test; p-values are those after Holm's correction."""
    verdicts = {
        "better": f"{BETTER} better",
        "on these images": f"{ON_IMAGES} on these images",
        "noise": "noise",
    }
    lines = tuple(
        (
            f"{c.first} – {c.second}",
            verdicts[c.verdict],
            signed(c.exact.difference),
            f"{c.first_better} : {c.second_better}",
            p_value(c.exact.p_holm),
            p_value(c.seeds.p_holm) if c.seeds else MISSING,
            signed(c.cer.difference),
            interval(c.cer.interval, 100),
            p_value(c.cer.p_holm),
        )
        for c in comparisons
    )
    headers = ("rows", "verdict", "exact, points", "images", "p images", "p seeds", "CER, points")
    return Cells("paired tests", (*headers, "CER 95 %", "p CER"), lines, 2)


def legend(report: Report, headers: Collection[str]) -> list[str]:
    """Return what the columns with these headers and the marks mean, a sentence or two each."""
    said = [f"{report.scaled[0].upper()}{report.scaled[1:]}: {SCALED}."] if report.scaled else []
    if means := [name for name in ("exact", "char", "CER", "edits") if {name, f"{name} %"} & {*headers}]:
        said.append(
            f"{', '.join(means)}: mean ± standard deviation over the n seeds of a configuration; "
            "95 % interval: Student's over seeds, (i) over test images where there is one."
        )
    if "collapsed" in headers and any(row.collapse.count for row in report.rows):
        said.append("collapsed: models that ignore their images (nearly all outputs empty, or all the same).")
    if "plateau left" in headers:
        said.append(
            "plateau left: the step at which training left the blank plateau, median (lowest – highest) over "
            "models; never: those that had not at their end."
        )
    if report.comparisons and "better than" in headers:
        number = report.tests
        said.append(
            f"{BETTER} better than those rows: McNemar's exact test over the same test images and a t-test "
            f"over seeds are both significant at 5 % after Holm's correction for {number} "
            f"comparison{'s' if number > 1 else ''}. {ON_IMAGES} the test over images alone is: these models "
            f"differ; that their configurations do is not shown."
        )
    if "talk: exact %" in headers:
        said.append("talk: what Cheliotis (2025) reported for the preset; * at another size than the talk's.")
    return said


def effects_legend() -> str:
    """Return what the table of main effects says."""
    return (
        "Mean difference between runs that are alike in every other axis and in the seed; "
        "95 % interval: Student's over the seeds' means."
    )


def comparisons_legend() -> str:
    """Return what the table of paired tests says."""
    return (
        "First row minus second; images: read right by the first in more of its runs : by the second; "
        "p after Holm's correction: McNemar's exact test over images, t-test of exact accuracy over seeds, "
        "paired bootstrap of the CER over images (its interval is not corrected)."
    )


def better_than(row: Row) -> str:
    """Return the marks of a row: ``▲ 3–8  △ 2``."""
    marks = [(BETTER, row.better_than), (ON_IMAGES, row.better_on_images)]
    return "  ".join(f"{mark} {ranges(found)}" for mark, found in marks if found)


def plus_minus(estimate: Estimate, scale: float, digits: int = 2) -> str:
    """Return ``91.95 ± 0.42``, without the deviation where there is none."""
    mean = f"{estimate.mean * scale:.{digits}f}"
    return mean if estimate.sd is None else f"{mean} ± {estimate.sd * scale:.{digits}f}"


def interval_of(estimate: Estimate, scale: float) -> str:
    """Return an estimate's interval, marked (i) where it is over images."""
    return interval(estimate.interval, scale) + (" (i)" if estimate.over == "images" else "")


def interval(bounds: Interval | None, scale: float) -> str:
    """Return ``90.67 – 93.06``; a dash where there is none."""
    return f"{bounds[0] * scale:z.2f} – {bounds[1] * scale:z.2f}".replace("-", "−") if bounds else MISSING


def signed(share: float) -> str:
    """Return a difference of shares in points: ``+1.20``, ``−0.31``."""
    return f"{share * 100:+z.2f}".replace("-", "−")


def p_value(p: float) -> str:
    """Return a p-value as papers do: three digits, ``< 0.001`` below."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _best(row: Row) -> str:
    seed = row.seeds[row.best]
    best = row.metrics["exact"].values[row.best] or 0.0
    return f"{best * 100:.2f} ({MISSING if seed is None else seed})"


def _cost(row: Row, name: str) -> str:
    return count(row.cost[name].mean) if name in row.cost else MISSING


def _talk(row: Row) -> str:
    if row.talk is None:
        return ""
    exact = row.talk.metrics.get("exact")
    figure = row.talk.note or MISSING if exact is None else f"{exact * 100:.2f}"
    return figure + ("*" if row.talk.scaled else "")

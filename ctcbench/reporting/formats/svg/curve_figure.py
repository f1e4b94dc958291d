"""curves_svg(): training curves with a line for every run, which shows the variation over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ctcbench.contract.errors import UsageError
from ctcbench.evaluation.metrics import PERCENT
from ctcbench.reporting.formats.svg.markup import element, elide
from ctcbench.reporting.formats.svg.panel import Panel
from ctcbench.reporting.members import Member, models_of
from ctcbench.reporting.report_column import plus_minus
from ctcbench.reporting.report_model import Report, Row
from ctcbench.reporting.training_histories import Point, of_kind, points, read_records, thin_out

MOST_ROWS = 8  # more colours are hard to distinguish
_POINTS = 240  # enough for a panel of 320 pixels
_WIDTH, _PLOT_HEIGHT, _LINE = 760, 230, 21
_NAME, _CHARACTERS = 36, 104  # most characters of a row's name, and of a line of the legend
# The colours of the HTML page, for a light and a dark background.
_COLOURS = (
    ("#0b5fa5", "#74b9f5"), ("#c2500a", "#ff9a5c"), ("#00795a", "#46cfa0"), ("#96408a", "#e493d4"),
    ("#8a6a00", "#e3bd4a"), ("#1f8a9e", "#6fd6e6"), ("#a02c4c", "#ff94a8"), ("#565c66", "#b3bac6"),
)  # fmt: skip
_PAPER = (("paper", "#fbfaf7", "#14161a"), ("ink", "#1c1e22", "#e8e6e1"), ("soft", "#5a5f68", "#a3a8b1"))
_LINES = ("line", "#e3e0d8", "#2d323b")
_STYLE = """
.paper { fill: var(--paper); stroke: var(--line) }
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--soft) }
.name { fill: var(--ink) } .figures { fill: var(--soft) } .label { fill: var(--ink) }
.tick { font-variant-numeric: tabular-nums }
.grid { stroke: var(--line) } .axis { stroke: var(--soft); opacity: .7 }
.run { fill: none; stroke-width: 1.4; stroke-linejoin: round; opacity: .8 }
.left { stroke: var(--paper) }
"""


@dataclass(frozen=True)
class _Run:
    """The curves of one model: training loss, exact accuracy in validation (%), and a tooltip."""

    about: str
    loss: list[Point]
    exact: list[Point]
    left_plateau: int | None


def curves_svg(report: Report) -> str:
    """Return training curves as an SVG with a light and a dark scheme: a line per run, coloured by row.

    The left panel has the training loss in nats per image, with a dot where the run left the blank
    plateau; the right panel has the exact accuracy in validation. If there are more than `MOST_ROWS` rows,
    the first of them are shown, and the caption has their numbers.

    Raises:
        UsageError: no run folder has records of its training.
    """
    shown = [(row, _runs(row)) for row in report.rows[:MOST_ROWS]]
    if not any(run.loss or run.exact for _, runs in shown for run in runs):
        raise UsageError("--format svg: no records of training in these run folders (metrics.jsonl)")
    top = 22 + _LINE * len(shown) + 34
    height = top + _PLOT_HEIGHT + 78
    runs = [run for _, found in shown for run in found]  # all share one scale per panel
    last = max(step for run in runs for step, _ in (*run.loss, *run.exact))
    loss = Panel.within(20, 380, top, top + _PLOT_HEIGHT, (0, last), (0, _highest_loss(runs)))
    exact = Panel.within(396, _WIDTH - 8, top, top + _PLOT_HEIGHT, (0, last), (0, 100))
    title = f"Training curves of {len(runs)} models"
    parts = [
        element("title", title, id="title"),
        element("desc", "; ".join(_description(row) for row, _ in shown), id="desc"),
        f"<style>{_style(len(shown))}</style>",
        element("rect", cls="paper", x=0.5, y=0.5, width=_WIDTH - 1, height=height - 1, rx=8),
        *_legend([row for row, _ in shown]),
        *loss.frame("training loss, nats per image", "training step"),
        *exact.frame("exact accuracy in validation, %", "training step"),
        # Clips an initial loss far above the rest, which is outside the panel's range.
        f'<clipPath id="inside"><rect x="{loss.left}" y="{top - 4}" width="{loss.right - loss.left}" '
        f'height="{_PLOT_HEIGHT + 8}"/></clipPath>',
    ]
    # The best row is drawn last, above the others.
    for number, (_, found) in reversed(list(enumerate(shown, start=1))):
        for run in found:
            parts += _draw_run(run, number, loss, exact)
    parts.append(element("text", _caption(report, runs), x=20, y=height - 16))
    # For screen readers, which read the title and the description.
    attributes = f'role="img" aria-labelledby="title desc" viewBox="0 0 {_WIDTH} {height}"'
    size = f'width="{_WIDTH}" height="{height}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {attributes}>\n{body}\n</svg>\n'


def _runs(row: Row) -> list[_Run]:
    # Two decoders of one model, which a coarse --by combines, have the same curves.
    return [_run(row, model[-1]) for model in models_of(row.members)]


def _run(row: Row, member: Member) -> _Run:
    left = member.left_plateau_step
    about = f"{row.name}, seed {member.seed}: " if member.seed is not None else f"{row.name}: "
    about += f"exact {member.result.score.exact * 100:.2f} % of the test images"
    if member.ended_on_plateau:
        about += ", on the blank plateau at the end"
    elif left is not None:
        about += f", left the blank plateau at step {left:,}"
    records = read_records(member.folder)
    return _Run(
        about,
        thin_out(points(of_kind(records, "steps"), "loss"), _POINTS),
        # Stored as shares, drawn in per cent.
        thin_out(
            [(step, share * 100) for step, share in points(of_kind(records, "epoch"), "val_exact")], _POINTS
        ),
        left,
    )


def _draw_run(run: _Run, number: int, loss: Panel, exact: Panel) -> Iterator[str]:
    about = element("title", run.about)
    for panel, line, clip in ((loss, run.loss, "url(#inside)"), (exact, run.exact, "none")):
        if line:
            path = "M" + "L".join(f"{panel.x(step):.1f} {panel.y(value):.1f}" for step, value in line)
            if len(line) == 1:  # a line with one point is invisible
                (step, value) = line[0]
                place = {"cx": f"{panel.x(step):.1f}", "cy": f"{panel.y(value):.1f}"}
                yield element("circle", "", about, cls=f"only fill{number}", **place, r=2.5)
                continue
            yield element("path", "", about, cls=f"run row{number}", d=path, clip_path=clip)
    if run.left_plateau is not None and run.loss:
        # The step is seldom one of those that are drawn.
        at = _interpolate(run.loss, run.left_plateau)
        place = {"cx": f"{loss.x(run.left_plateau):.1f}", "cy": f"{loss.y(min(at, loss.ys[1])):.1f}"}
        yield element("circle", "", about, cls=f"left fill{number}", **place, r=3.5)


def _interpolate(line: Sequence[Point], step: int) -> float:
    """Return the value of a line at a step, by linear interpolation."""
    for (before, low), (after, high) in pairwise(line):
        if before <= step <= after:
            return low + (high - low) * (step - before) / (after - before or 1)
    return line[0][1] if step < line[0][0] else line[-1][1]


def _highest_loss(runs: Sequence[_Run]) -> float:
    """Return the upper end of the loss axis; each run's first record, of untrained weights, is ignored."""
    later = [value for run in runs for _, value in (run.loss[1:] or run.loss)]
    return max(later, default=1.0) * 1.08 or 1.0


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    for number, row in enumerate(rows, start=1):
        y = 20 + _LINE * number - 10
        yield element("line", cls=f"run row{number}", x1=20, x2=44, y1=y - 4, y2=y - 4, stroke_width=3)
        # SVG breaks no lines, so the texts are cut to what fits into the width.
        name = elide(row.name, _NAME)
        summary = element(
            "tspan", "  " + elide(_summarise(row), _CHARACTERS - len(name)), dx=8, cls="figures"
        )
        yield element("text", name, summary, cls="name", x=52, y=y)


def _summarise(row: Row) -> str:
    exact = plus_minus(row.metrics["exact"], PERCENT)
    text = f"exact {exact} %, collapsed {row.collapse.count} of {row.collapse.n}"
    return text + (f", plateau left: {row.plateau}" if row.plateau.known else "")


def _description(row: Row) -> str:
    return f"{row.name}: {_summarise(row)}"


def _caption(report: Report, runs: Sequence[_Run]) -> str:
    parts = ["One line per run."]
    if any(run.left_plateau is not None for run in runs):
        parts.append("Dots: where a run left the blank plateau (legend: median step, lowest – highest).")
    if len(report.rows) > MOST_ROWS:
        parts.append(f"Rows 1 to {MOST_ROWS} of {len(report.rows)}.")
    return " ".join(parts)


def _style(rows: int) -> str:
    # Colours are variables, so that a dark scheme replaces them all without a second picture.
    names = [*_PAPER, _LINES, *((f"c{i}", *pair) for i, pair in enumerate(_COLOURS[:rows], start=1))]
    light = " ".join(f"--{name}: {light};" for name, light, _ in names)
    dark = " ".join(f"--{name}: {dark};" for name, _, dark in names)
    colours = "\n".join(
        f".row{i} {{ stroke: var(--c{i}) }} .fill{i} {{ fill: var(--c{i}) }}" for i in range(1, rows + 1)
    )
    schemes = f"svg {{ {light} }}\n@media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}"
    return f"\n{schemes}{_STYLE}{colours}\n"

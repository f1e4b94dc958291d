"""The table of columns: `COLUMNS` has one entry for each column of a report's results, in every format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from ctcbench.evaluation.metrics import PERCENT
from ctcbench.files.text import one_line
from ctcbench.reporting.mean_columns import cost_column, exact_column, other_metric_columns
from ctcbench.reporting.number_format import MISSING, interval, ranges
from ctcbench.reporting.report_column import FOLD_FROM, Fields, ReportColumn, RowColumn, join_values
from ctcbench.reporting.report_model import Report, Row
from ctcbench.reporting.setup_notes import decoding_time_note, training_time_note

BETTER, ON_IMAGES = "▲", "△"
EMPTY = '""'  # how an empty setting is shown


def result_columns(report: Report) -> list[RowColumn]:
    """Return the columns of a report's results, `COLUMNS` with its axes, metrics and plugins filled in."""
    return [
        column
        for entry in COLUMNS
        for column in ([entry] if isinstance(entry, ReportColumn) else entry(report))
    ]


def _axes(report: Report) -> list[RowColumn]:
    """Return a column for each axis; without axes, one with the components of the only configuration."""
    if not report.axes:
        # A report of one configuration has no axis, and its row still needs a name.
        return [_label("configuration", lambda row: row.name, lambda row: {}, lambda row: {"axes": {}})]
    return [_axis(name) for name in report.axes]


def _axis(name: str) -> RowColumn:
    return _label(
        name,
        lambda row: row.axes[name] or EMPTY,
        lambda row: {one_line(name): row.axes[name]},
        lambda row: {"axes": {name: row.axes[name]}},
    )


def _label(
    header: str,
    text: Callable[[Row], str],
    data: Callable[[Row], Fields],
    nested: Callable[[Row], Fields],
) -> RowColumn:
    return ReportColumn(
        header, text, kind="label", latex="results", cell="label", data=data, nested=nested, origin="setting"
    )


def interval_text(row: Row) -> str:
    """Return the interval of the exact accuracy, marked (i) if it is over images."""
    exact = row.metrics["exact"]
    return interval(exact.interval, PERCENT) + (" (i)" if exact.over == "images" else "")


def marks(row: Row) -> str:
    """Return the rows that a row is better than: ``▲ 3–8  △ 2``."""
    found = [(BETTER, row.better_than), (ON_IMAGES, row.better_on_images)]
    return "  ".join(f"{mark} {ranges(numbers)}" for mark, numbers in found if numbers)


def _marks_note(report: Report) -> str:
    if not report.comparisons:
        return ""
    return (
        f"{BETTER} better than those rows: McNemar's exact test over the same test images and a t-test over "
        f"seeds are both significant at 5 % after Holm's correction for {report.tests} "
        f"comparison{'s' if report.tests > 1 else ''}. {ON_IMAGES} only the test over images is significant: "
        f"these models differ; that does not show that their configurations do."
    )


def _best_seed(row: Row) -> str:
    seed = row.seeds[row.best]
    return f"{(_best_exact(row) or 0.0) * 100:.2f} ({MISSING if seed is None else seed})"


def _best_exact(row: Row) -> float | None:
    return row.metrics["exact"].values[row.best]


def _confidence_data(row: Row) -> Fields:
    found = row.confidence
    return {"ece": found.ece, "brier": found.brier} if found else {}


def _collapse_data(row: Row) -> Fields:
    low, high = row.collapse.interval
    return {"collapsed": row.collapse.count, "collapsed_low": low, "collapsed_high": high}


def _plateau_value(row: Row) -> float | None:
    # Rows of which no model left the plateau sort after all others, those without a record at the end.
    return row.plateau.median if row.plateau.steps else (1e12 if row.plateau.never else None)


def _plateau_data(row: Row) -> Fields:
    numbers = {f"plateau_{name}": value for name, value in row.plateau.to_json().items() if name != "left"}
    return {"plateau_left": join_values(row.plateau_left), **numbers}


def has_plateaus(report: Report) -> bool:
    """Return whether any run's result records the blank plateau."""
    return any(row.plateau.known for row in report.rows)


def _talk_text(row: Row) -> str:
    if row.talk is None:
        return ""
    exact = row.talk.metrics.get("exact")
    text = row.talk.note or MISSING if exact is None else f"{exact * 100:.2f}"
    return text + ("*" if row.talk.scaled else "")


def _talk_data(row: Row) -> Fields:
    if row.talk is None:
        return {}
    figures = {f"talk_{name}": value for name, value in row.talk.metrics.items()}
    return {"talk_preset": row.talk.preset, "talk_scaled": row.talk.scaled, **figures}


def _plugins(report: Report) -> list[RowColumn]:
    # Every row has the cells of the same plugins, those installed now, so the headers of the first are those
    # of all.
    headers = [header for header, _ in report.rows[0].columns] if report.rows else []
    return [_plugin(index, header) for index, header in enumerate(headers)]


def _plugin(index: int, header: str) -> RowColumn:
    return ReportColumn(
        header,
        lambda row: row.columns[index][1],
        priority=FOLD_FROM,
        latex="cost",
        cell="text",
        data=lambda row: {header: row.columns[index][1]},
        nested=lambda row: {"columns": {header: row.columns[index][1]}},
        origin="plugin",
    )


# Entries are columns, or functions that return those that depend on the report: its axes, the table of
# metrics, the columns of plugins. The order is that of every format.
COLUMNS: tuple[RowColumn | Callable[[Report], list[RowColumn]], ...] = (
    ReportColumn(
        "#", lambda row: str(row.number), lambda row: row.number, "key",
        help="rows are numbered in descending order of mean exact accuracy", latex="results", cell="number",
        data=lambda row: {"row": row.number}, nested=lambda row: {"number": row.number},
    ),
    _axes,
    ReportColumn(
        "n", lambda row: str(row.n), lambda row: row.n, help="number of seeds", priority=10, latex="results",
        data=lambda row: {"n": row.n, "seeds": join_values(row.seeds)},
        nested=lambda row: {"n": row.n, "seeds": row.seeds},
    ),
    exact_column,
    ReportColumn(
        # Its bounds are fields of the column `exact`, so here only what the interval is over is added.
        "95 % interval", interval_text,
        lambda row: row.metrics["exact"].interval[0] if row.metrics["exact"].interval else None,
        help="of the mean over seeds; for a single run, over its test images", latex="results",
        cell="interval", data=lambda row: {"interval_over": row.metrics["exact"].over},
        nested=lambda row: {},
    ),
    ReportColumn(
        # Sorted by the rows that it beats over seeds; those on these images only break ties.
        "better than", marks, lambda row: len(row.better_than) + len(row.better_on_images) / 1000, "text",
        help="see the marks below the table", note=_marks_note, latex="results", cell="marks",
        data=lambda row: {
            "better_than": join_values(row.better_than),
            "better_on_images": join_values(row.better_on_images),
        },
        nested=lambda row: {"better_than": row.better_than, "better_on_images": row.better_on_images},
    ),
    ReportColumn(
        "best (seed)", _best_seed, _best_exact, help="highest exact accuracy of a run", priority=5,
        data=lambda row: {"best_seed": row.seeds[row.best], "best_exact": _best_exact(row)},
        nested=lambda row: {"best": {"seed": row.seeds[row.best], "run": row.folders[row.best]}},
    ),
    ReportColumn(
        "collapsed", lambda row: f"{row.collapse.count}/{row.collapse.n}",
        lambda row: row.collapse.count / row.collapse.n, help="models that ignore their images",
        note=lambda report: (
            "collapsed: models that ignore their images (nearly all outputs empty, or all the same)."
            if any(row.collapse.count for row in report.rows) else ""
        ),
        priority=13, latex="cost", cell="collapsed", data=_collapse_data,
        nested=lambda row: {"collapse": asdict(row.collapse)},
    ),
    other_metric_columns,
    ReportColumn(
        "ECE %", lambda row: MISSING if row.confidence is None else f"{row.confidence.ece * 100:.2f}",
        lambda row: None if row.confidence is None else row.confidence.ece,
        help="expected calibration error: how far confidence and accuracy are apart",
        note=lambda report: "ECE: expected calibration error of the confidences, mean over runs.",
        shown=lambda report: any(row.confidence for row in report.rows), priority=2, data=_confidence_data,
        nested=lambda row: {"confidence": _confidence_data(row)},
    ),
    cost_column("parameters", "parameters", "weights of the network", 8),
    cost_column("train s", "train_seconds", "training time in seconds", 7, note=training_time_note),
    # The two costs that are not shown are in CSV and JSON only: their priority has no effect.
    cost_column("images/s", "images_per_second", "training throughput", 0, shown=False),
    cost_column(
        "decode ms", "decode_ms_per_image", "decoding time per image in milliseconds", 6,
        note=decoding_time_note,
    ),
    cost_column("peak MiB", "peak_memory_mib", "peak memory of training in MiB", 0, shown=False),
    ReportColumn(
        "plateau left", lambda row: str(row.plateau), _plateau_value,
        help="training step at which the blank plateau was left: median (lowest – highest) over models",
        note=lambda report: (
            "plateau left: training step at which the blank plateau was left, median (lowest – highest) over "
            "models; never: models that were on it at the end of training."
        ),
        shown=has_plateaus, priority=4, latex="cost", data=_plateau_data,
        nested=lambda row: {"plateau": row.plateau.to_json(), "plateau_left": row.plateau_left},
    ),
    ReportColumn(
        "talk: exact %", _talk_text, lambda row: row.talk.metrics.get("exact") if row.talk else None,
        help="exact accuracy that the talk (Cheliotis 2025) reported for the preset",
        note=lambda report: (
            "talk: what Cheliotis (2025) reported for the preset; * the row's run has another size."
        ),
        shown=lambda report: any(row.talk for row in report.rows), priority=11, latex="cost", cell="talk",
        data=_talk_data, nested=lambda row: {"talk": asdict(row.talk) if row.talk else None},
    ),
    _plugins,
    ReportColumn(
        "best run", lambda row: row.folders[row.best].name, kind="text", priority=1, cell="text",
        help="run folder with the highest exact accuracy",
        data=lambda row: {"runs": join_values(row.folders)}, nested=lambda row: {},
    ),
)  # fmt: skip

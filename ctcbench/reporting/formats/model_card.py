"""model_card(): the description of one trained recogniser for those who use it, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ctcbench import __version__
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted
from ctcbench.evaluation import metrics
from ctcbench.evaluation.breakdowns import break_down
from ctcbench.evaluation.text_alignment import frequent_confusions
from ctcbench.files.shell_words import quote_word
from ctcbench.files.text import one_line, visible_spaces
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting.confidence_summary import ConfidenceSummary, summarise_confidence
from ctcbench.reporting.formats.card_limits import limits
from ctcbench.reporting.formats.card_metadata import card_metadata
from ctcbench.reporting.formats.card_tables import (
    data_table,
    model_table,
    needed_plugins,
    training_table,
)
from ctcbench.reporting.formats.markdown_text import markdown_code, markdown_table, markdown_text
from ctcbench.reporting.members import Member
from ctcbench.reporting.number_format import interval_with_unit, percent, with_unit
from ctcbench.reporting.report_column import plus_minus
from ctcbench.reporting.report_model import Report, Row
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import differing_decoder

_WORST = 10  # characters and confusions that are listed


def model_card(report: Report, registry: Registry) -> str:
    """Return the card of the best run of a report: its first row's run with the highest exact accuracy.

    Raises:
        UsageError: the report has no results.
    """
    if not report.rows:
        raise UsageError("--format card: there are no results to describe")
    row = report.rows[0]
    member = row.members[row.best]
    name = _name(member)
    sections = {
        "Use": _use(member) + needed_plugins(member, registry),
        "Model": model_table(member, registry),
        "Data": data_table(member, registry),
        "Training": training_table(member),
        "Results": _results(row, member),
        "Confidence": _confidence(summarise_confidence([member]), _is_calibrated(member)),
        "Where mistakes are": _mistakes(member),
        "Intended use and limits": "".join(f"- {text}\n" for text in limits(report, row, member)),
    }
    parts = [card_metadata(member.result, name), f"# {markdown_text(name)}\n", _summary(member)]
    parts += [f"## {heading}\n\n{text}" for heading, text in sections.items() if text]
    made = datetime.now(UTC).strftime("%Y-%m-%d")
    return "\n".join([*parts, f"Written by ctcbench {__version__} on {made}.\n"])


def _name(member: Member) -> str:
    config = member.result.config
    known = [str(config[kind]) for kind in ("backbone", "head", "dataset") if config.get(kind)]
    return " · ".join(known) or member.folder.name


def _summary(member: Member) -> str:
    score = member.result.score
    images = counted(score.images, "test image")
    return (
        f"A recogniser of text in pictures. It reads {percent(score.exact)} of {images} "
        f"without a mistake (95 % interval {interval_with_unit(score.exact_ci, metrics.PERCENT)}).\n"
    )


def _use(member: Member) -> str:
    path, decoder = one_line(str(member.folder)), one_line(str(member.result.config.get("decoder", "")))
    decoder = differing_decoder(RunFolder(member.folder), decoder)
    command = f"ctcbench predict {quote_word(path)} picture.png"
    command += f" --decoder {quote_word(decoder)}" if decoder else ""
    option = f", decoder={decoder!r}" if decoder else ""
    return (
        f"```python\nimport ctcbench\n\nrecogniser = ctcbench.load({path!r})\n"
        f'for prediction in recogniser.predict(["picture.png"]{option}):\n'
        "    print(prediction.text, prediction.confidence)\n```\n\n"
        f"On the command line: {markdown_code(command)}. The run folder holds settings "
        "and weights (safetensors) and no code; `ctcbench verify` compares its files with its manifest.\n"
    )


def _results(row: Row, member: Member) -> str:
    """Return the test scores of the run and, if its row has several seeds, their means over seeds."""
    score = member.result.score
    headers = ["metric", "this run", "95 % interval"]
    if row.n > 1:
        headers.append(f"mean ± sd of {row.n} seeds")
    lines = []
    for metric in metrics.METRICS:
        if (measured := score.metrics.get(metric.name)) is None:
            continue
        line = [
            f"{metric.label}: {metric.help}",
            with_unit(measured.value, metric.format),
            interval_with_unit(measured.interval, metric.format),
        ]
        if row.n > 1:
            line.append(
                f"{plus_minus(row.metrics.get(metric.name), metric.format)} {metric.format.unit}".strip()
            )
        lines.append(line)
    decoder = markdown_code(str(member.result.config.get("decoder", "")))
    note = f"{counted(score.images, 'test image')}, decoder {decoder}. Intervals are over the test images."
    return f"{markdown_table(headers, lines, range(1, len(headers)))}\n{note}\n"


def _is_calibrated(member: Member) -> bool:
    training: Any = member.result.provenance.get("training")
    # Results without the key are of versions that trained with CTC only.
    return not isinstance(training, Mapping) or training.get("alignment", "ctc") == "ctc"


def _confidence(summary: ConfidenceSummary | None, is_calibrated: bool) -> str:
    if summary is None:
        return "No confidences are stored with this result; `ctcbench decode RUN --decoder …` stores them.\n"
    bins = markdown_table(
        ["confidence", "texts", "mean confidence", "right", "95 % interval"],
        [
            [
                f"{percent(one.low, 0)} – {percent(one.high, 0)}",
                f"{one.count:,}",
                percent(one.confidence),
                percent(one.accuracy),
                interval_with_unit(one.interval, metrics.PERCENT),
            ]
            for one in summary.bins
        ],
        range(1, 5),
    )
    accepted = markdown_table(
        ["accuracy wanted", "texts that can be accepted", "from a confidence of"],
        [
            [f"{wanted * 100:g} %", percent(point.coverage), percent(point.confidence)]
            for wanted, point in summary.accepted
        ],
        range(3),
    )
    origin = (
        "calibrated on the validation images (temperature scaling) and"
        if is_calibrated
        else "the scores of the decoder, which are not calibrated; they are"
    )
    text = (
        f"Expected calibration error {percent(summary.ece)}, Brier score {summary.brier:.4f}. Confidences "
        f"are {origin} compared here on the test images.\n\n{bins}"
    )
    return f"{text}\nIf texts below a confidence are rejected:\n\n{accepted}" if summary.accepted else text


def _mistakes(member: Member) -> str:
    stored = member.predictions
    if stored is None:
        return ""
    pairs = list(zip(stored.texts, stored.targets, strict=True))
    found = break_down(pairs)
    worst = sorted((g for g in found.characters if g.right < g.count), key=lambda g: (g.accuracy, -g.count))
    frequent = frequent_confusions(pairs)[:_WORST]
    parts = [
        _lengths([[group.name, f"{group.count:,}", percent(group.accuracy)] for group in found.lengths]),
        _list(
            "Characters with the lowest accuracy",
            (f"{_shown(g.name)} {percent(g.accuracy)}" for g in worst[:_WORST]),
        ),
        _list(
            "Most frequent confusions (∅: no character)",
            (f"{_shown(target)} → {_shown(read)} ({count:,})" for (target, read), count in frequent),
        ),
    ]
    return "\n".join(part for part in parts if part)


def _lengths(lines: Sequence[Sequence[str]]) -> str:
    return (
        markdown_table(["characters in the text", "texts", "exact"], lines, range(3))
        if len(lines) > 1
        else ""
    )


def _list(title: str, texts: Iterator[str]) -> str:
    joined = ", ".join(texts)
    return f"{title}: {joined}.\n" if joined else ""


def _shown(character: str) -> str:
    return markdown_code(visible_spaces(character)) if character else "∅"

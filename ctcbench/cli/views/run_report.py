"""The report at the end of a run: examples, score, cost, diagnosis, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ctcbench.cli.views.decoding_examples import Example, examples_table
from ctcbench.cli.views.run_diagnosis import diagnosis, talk_comparison
from ctcbench.contract.hooks import Column
from ctcbench.contract.word_lists import counted
from ctcbench.evaluation import metrics
from ctcbench.evaluation.metrics import Measured
from ctcbench.evaluation.proof_counts import ProofCounts
from ctcbench.files.shell_words import quote_word
from ctcbench.files.text import one_line, printable
from ctcbench.recognition.onnx_packages import INSTALL_ONNX, missing_onnx
from ctcbench.reporting.number_format import count, host, interval_with_unit, seconds, with_unit
from ctcbench.reporting.report_rows import plugin_cells
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import differing_decoder

_LABEL_WIDTH = 12
_EXPLAINED_WIDTH = 72  # columns of a terminal from which on metrics are explained


def run_report(
    result: Result,
    folder: Path,
    *,
    examples: Sequence[Example] = (),
    columns: Sequence[Column] = (),
    other_decoders: Sequence[str] = (),
) -> list[RenderableType]:
    """Return the report of one result, from top to bottom; an `UnbrokenLine` may exceed the width.

    Args:
        result: the result.
        folder: its run folder.
        examples: test images to show; without any, their table is left out.
        columns: extra columns of plugins.
        other_decoders: decoders for the suggested next command, the first of which is written out.
    """
    parts: list[RenderableType] = []
    if examples:
        parts += [examples_table(examples), ""]
    score = result.score
    parts += [MetricsTable(score.split, score.images, score.metrics), "", cost_table(result, columns), ""]
    # Both are None for a sound run on other data than the talk's.
    for remark in (diagnosis(result), talk_comparison(result)):
        if remark is not None:
            parts += [*map(_hanging, remark.split("\n")), ""]
    parts.append(UnbrokenLine("run folder", str(folder), "bold"))
    if other_decoders:
        command = f"ctcbench decode {quote_word(str(folder))} --decoder {other_decoders[0]}"
        others = f"(or {', '.join(other_decoders[1:])})" if other_decoders[1:] else ""
        parts.append(UnbrokenLine("next", command, "cyan", others))
    if not result.score.collapsed:
        command = f"ctcbench predict {quote_word(str(folder))} IMAGE…"
        if decoder := differing_decoder(RunFolder(folder), str(result.config.get("decoder", ""))):
            command += f" --decoder {quote_word(decoder)}"
        parts.append(UnbrokenLine("your images", command, "cyan"))
        command = f"ctcbench export {quote_word(str(folder))} model.onnx"
        before = f"(first: {INSTALL_ONNX})" if missing_onnx() else ""
        parts.append(UnbrokenLine("deployment", command, "cyan", before))
    return parts


def _hanging(line: Text) -> RenderableType:
    """Return a line whose indentation is that of the lines it is broken into, too."""
    indent = len(line.plain) - len(line.plain.lstrip())
    return Padding(line[indent:], (0, 0, 0, indent), expand=False) if indent else line


@dataclass(frozen=True)
class UnbrokenLine:
    """A path or a command after its label, in one line so that it can be pasted, and perhaps a remark.

    A remark that does not fit into the line follows in the next one.
    """

    label: str
    content: str
    style: str
    remark: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = Text.assemble(f"{self.label:<{_LABEL_WIDTH}}", (printable(self.content), self.style))
        if not self.remark:
            yield line
        elif line.cell_len + 2 + len(self.remark) <= options.max_width:
            yield Text.assemble(line, "  ", self.remark)
        else:
            yield line
            yield Text(" " * _LABEL_WIDTH + self.remark)


@dataclass(frozen=True)
class MetricsTable:
    """A line for each metric of the images of a split, with its 95 % confidence interval.

    In a narrow terminal it has no explanations, which would take a line for each word.
    """

    split: str
    images: int
    measured: Mapping[str, Measured]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = f"{self.split}: {counted(self.images, 'image')}"
        table = Table(title=title, title_justify="left", title_style="bold")
        table.add_column("metric", no_wrap=True)
        table.add_column("value", justify="right", no_wrap=True)
        table.add_column("95 % interval", justify="right", no_wrap=True)
        explains = options.max_width >= _EXPLAINED_WIDTH
        if explains:
            table.add_column("what it counts", style="dim")
        for metric in metrics.METRICS:
            if metric.name not in self.measured:
                continue  # the result was stored before the metric existed
            value, interval = self.measured[metric.name]
            style = "bold green" if metric.name == "exact" else ""
            shown = Text(with_unit(value, metric.format), style)
            help_cell = [metric.help] if explains else []
            table.add_row(metric.label, shown, interval_with_unit(interval, metric.format), *help_cell)
        yield table


def cost_table(result: Result, columns: Sequence[Column] = ()) -> Table:
    """Return a line for each cost of a result, and for each column of a plugin."""
    cost = result.cost
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")  # a decoder's options can be one long word
    decoding = f"{count(cost.get('decode_ms_per_image'))} ms per image  ({result.config.get('decoder')})"
    for name, text in (
        ("parameters", count(cost.get("parameters"))),
        ("training", f"{seconds(cost.get('train_seconds'))}  ({host(result.provenance)})"),
        ("images/s", count(cost.get("images_per_second"))),
        ("decoding", decoding),
        ("peak memory", f"{count(cost.get('peak_memory_mib'))} MiB"),
        *proof_cells(result),
        *plugin_cells(result, columns),
    ):
        # As `Text`, because rich would read brackets in a plain string as markup.
        table.add_row(Text(name), Text(one_line(text)))
    return table


def proof_cells(result: Result) -> list[tuple[str, str]]:
    """Return the line with the proofs of a result; none if its decoder has no proofs."""
    stored = result.provenance.get("proofs")
    return [] if stored is None else [("proven best", str(ProofCounts.from_json(stored)))]

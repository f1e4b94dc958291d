"""`ctcbench export`: writes the recogniser of a run as an ONNX file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ctcbench.cli.output import print_json, report_console, require_separate_json
from ctcbench.cli.run_folder_argument import named_run
from ctcbench.cli.shared_flags import AsJson
from ctcbench.files.text import one_line, printable
from ctcbench.reporting.number_format import percent

if TYPE_CHECKING:
    from ctcbench.evaluation.score import Score
    from ctcbench.recognition.run_export import ExportReport


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the file to write, such as model.onnx")],
    int8: Annotated[
        bool, typer.Option("--int8", help="weights and arithmetic of 8 bits: smaller, and often faster")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the recogniser of a run as an ONNX file, which `ctcbench predict` reads without torch.

    The file holds the network from uint8 images to log-probabilities, with the alphabet, the image size, the
    decoder and the calibration. Before it is written, onnxruntime and torch read the validation images of the
    run, and the largest difference is printed.
    """
    require_separate_json(file, as_json)
    folder = named_run(run)
    # Before torch is imported, which takes seconds.
    from ctcbench.recognition.run_export import export_run, require_export

    require_export(file)
    report = export_run(folder.path, file, int8=int8, notice=_notice)
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)


def _notice(text: str) -> None:
    print(one_line(text), file=sys.stderr)


def _print(report: ExportReport) -> None:
    found, width = report.difference, "any width" if report.any_width else "the width of the training"
    images = "validation images" if report.on_validation else "images of noise"
    lines = [
        f"{printable(str(report.path))}: {report.size / 1e6:.2f} MB, {report.precision}, "
        f"opset {report.opset}, images of {width}",
        f"onnxruntime and torch on {found.images:,} {images}: log-probabilities differ by at most "
        f"{found.largest_difference:.1e} nats, {found.differing_texts:,} texts differ",
        *_score_lines("float32", report.score),
        *_score_lines("int8", report.int8_score),
    ]
    console = report_console(report.path)
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)


def _score_lines(precision: str, score: Score | None) -> list[str]:
    return [f"{precision + ':':<8} exact {percent(score.exact)}, CER {percent(score.cer)}"] if score else []

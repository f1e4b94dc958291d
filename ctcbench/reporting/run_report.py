"""What is printed when a run has ended."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from ctcbench.contract.hooks import Column
from ctcbench.reporting.examples import Example, examples_table
from ctcbench.reporting.result_tables import cost_table, score_table
from ctcbench.reporting.verdict import beside_the_talk, diagnosis
from ctcbench.results.result import Result


def run_report(
    result: Result,
    folder: Path,
    *,
    examples: Sequence[Example] = (),
    columns: Sequence[Column] = (),
    other_decoders: Sequence[str] = (),
) -> list[RenderableType]:
    """Return the whole report of a result, from top to bottom."""
    parts: list[RenderableType] = []
    if examples:
        parts += [examples_table(examples), ""]
    parts += [score_table(result.score), "", cost_table(result, columns), ""]
    for remark in (diagnosis(result), beside_the_talk(result)):
        if remark is not None:
            parts += [remark, ""]
    parts.append(Text.assemble("run folder  ", (str(folder), "bold")))
    if other_decoders:
        command = f"ctcbench decode {shlex.quote(str(folder))} --decoder {other_decoders[0]}"
        others = f"  (or {', '.join(other_decoders[1:])})" if other_decoders[1:] else ""
        parts.append(Text.assemble("next        ", (command, "cyan"), others))
    return parts

"""`ctcbench lm convert`: writes the ARPA file of an n-gram model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ctcbench.cli.output import report_console
from ctcbench.files.output_files import require_output, write_output
from ctcbench.files.text import printable


def convert(
    model: Annotated[Path, typer.Argument(metavar="FILE", help="a binary file of KenLM", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="the ARPA file to write", show_default=False)],
) -> None:
    """Write the ARPA file of a binary file of KenLM, for use where the package kenlm is not installed.

    A file with a vocabulary of some 10,000 words takes one to two minutes; larger ones are refused.
    """
    require_output(out, model)
    # Here, because it loads numpy, for which --help must not wait.
    from ctcbench.decoding.lm.arpa_writer import arpa_lines
    from ctcbench.decoding.lm.model_reader import read_ngram_model

    read = read_ngram_model(model)
    write_output(out, "".join(arpa_lines(read)).encode())
    counts = ", ".join(f"{size:,} of order {order}" for order, size in enumerate(read.sizes, 1))
    line = f"n-grams: {counts}; written to {printable(str(out))}"
    report_console(out).print(Text(line), soft_wrap=True)

"""The typer app: every command under its name. A command imports what it needs when it runs."""

from __future__ import annotations

import functools
import os
from typing import Annotated, Any

import typer

import ctcbench
from ctcbench.cli.commands import (
    ablate,
    bench_data,
    bench_decoders,
    bench_drawing,
    bench_onnx,
    bench_predict,
    bench_search_errors,
    bench_seeds,
    bench_speedrun,
    bench_startup,
    bench_train,
    data_describe,
    data_generate,
    data_preview,
    decode,
    evaluate,
    export,
    list_plugins,
    list_presets,
    lm_convert,
    lm_score,
    lm_train,
    new,
    predict,
    report,
    run,
    show,
    tune,
    verify,
)
from ctcbench.cli.component_help import CommandWithComponents
from ctcbench.cli.help import Command, Commands, TextCommand
from ctcbench.cli.output import print_line
from ctcbench.cli.warning_lines import one_line_warnings
from ctcbench.contract.errors import UsageError
from ctcbench.training.distributed.process_rank import started_by_torchrun

data = typer.Typer(help="Preview, generate or describe a data set.")
data.command(cls=Command)(data_preview.preview)
data.command(cls=Command)(data_generate.generate)
data.command(cls=Command)(data_describe.describe)

bench = typer.Typer(
    help="Measure the speed of decoders, training, data sets, ONNX, start-up; search errors; a speed record."
)
bench.command(cls=Command)(bench_decoders.decoders)
bench.command(cls=Command)(bench_search_errors.search_errors)
bench.command(cls=Command)(bench_train.train)
bench.command(cls=Command)(bench_seeds.seeds)
bench.command(cls=Command)(bench_data.data)
bench.command(cls=Command)(bench_drawing.drawing)
bench.command(cls=Command)(bench_predict.predict)
bench.command(cls=Command)(bench_speedrun.speedrun)
bench.command(cls=Command)(bench_onnx.onnx)
bench.command(cls=Command)(bench_startup.startup)

lm = typer.Typer(help="Train an n-gram language model, score texts with one, or convert one of KenLM.")
lm.command(cls=Command)(lm_train.train)
lm.command(cls=TextCommand)(lm_score.score)
lm.command(cls=Command)(lm_convert.convert)

# Commands inherit the names of the help flag.
app = typer.Typer(
    cls=Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command(cls=CommandWithComponents)(run.run)
app.command(cls=CommandWithComponents)(ablate.ablate)
app.command(cls=Command)(tune.tune)
app.command(cls=Command)(show.show)
app.command(cls=Command)(decode.decode)
app.command(cls=Command)(predict.predict)
app.command(cls=Command)(evaluate.evaluate)
app.command(cls=Command)(export.export)
app.command(cls=Command)(report.report)
app.command(cls=Command)(verify.verify)
app.add_typer(data, name="data", cls=Commands)
app.add_typer(lm, name="lm", cls=Commands)
app.add_typer(bench, name="bench", cls=Commands)
app.command(cls=Command)(list_presets.presets)
app.command(cls=Command)(list_plugins.plugins)
app.command(cls=Command)(new.new)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"ctcbench {ctcbench.__version__}")
        raise typer.Exit


@app.callback()
def ctcbench_command(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Train, decode and compare CTC recognisers.

    Begin with drawn captchas: `ctcbench run --preset fast --budget 60s`. With labelled pictures of your own,
    begin with `ctcbench data describe folder:path=FOLDER`, which ends with the command of a first training.
    """
    if started_by_torchrun() and ctx.invoked_subcommand not in ("run", None):
        several = "; its --executor trains several models at once, each in a process of its own"
        instead = {"ablate": several, "tune": several}
        raise UsageError(
            f"torchrun starts a command once a process, which only `ctcbench run` supports: start this one "
            f"without torchrun{instead.get(ctx.invoked_subcommand, '')}"
        )


@functools.cache
def click_command() -> Any:
    """Return the click command that typer builds from the app."""
    # Cached, because building it takes a while, and an error message needs it again.
    return typer.main.get_command(app)


def command_path(arguments: list[str]) -> str:
    """Return the command that `arguments` name, such as ``ctcbench data preview``."""
    path, node = "ctcbench", click_command()
    for word in arguments:
        if word not in getattr(node, "commands", {}):
            break
        path, node = f"{path} {word}", node.commands[word]
    return path


def invoke(arguments: list[str]) -> int:
    """Parse `arguments`, run the command, and return its exit code; every error is raised."""
    command = click_command()
    # The shell sets the variable to ask for completions, which click prints before it exits.
    if "_CTCBENCH_COMPLETE" in os.environ:
        command.main(args=arguments, prog_name="ctcbench")
    # Not by click's `main`, which would print errors in its own format. The arguments are passed as `obj`,
    # from which commands make the command line that resumes them.
    try:
        with (
            one_line_warnings(),
            command.make_context("ctcbench", list(arguments), obj=list(arguments)) as context,
        ):
            command.invoke(context)
    except typer.Exit as end:
        return int(end.exit_code)
    return 0

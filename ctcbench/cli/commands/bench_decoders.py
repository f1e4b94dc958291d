"""`ctcbench bench decoders`: compare the installed decoders on the same log-probabilities. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ctcbench.cli.completion import complete_component
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import output_console, print_json, spinner
from ctcbench.cli.shared_flags import AsJson
from ctcbench.config.presets import default_component
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted
from ctcbench.reporting.formats.component_cell import ComponentCell
from ctcbench.reporting.number_format import percent

if TYPE_CHECKING:
    from ctcbench.benchmarks.decoder_comparison import DecoderComparison, DecoderSpeed, Quartiles
    from ctcbench.benchmarks.decoder_core import CoreRates
    from ctcbench.benchmarks.guide_cost import CostRatio
    from ctcbench.contract.data import LogProbs
    from ctcbench.registry.component_registry import Registry

_PLAIN: dict[str, Any] = {"box": None, "padding": (0, 2, 0, 0), "pad_edge": False}


def decoders(
    decoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="decoder to measure; may be repeated (default: all that are installed, some also "
            "with other options)",
            autocompletion=complete_component("decoder"),
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="decode the stored test log-probabilities of this run")
    ] = None,
    workload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="synthetic log-probabilities; may be repeated, or all (default: four like captchas)",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="decoder that speed ratios refer to (default: the default decoder)"
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(metavar="N", min=1, help="number of rounds; each decoder runs once in each")
    ] = 5,
    seconds: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0.01,
            help="seconds for each decoder in each round; slow ones decode fewer images",
        ),
    ] = 1.0,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="seed of the synthetic log-probabilities")
    ] = 0,
    core: Annotated[
        bool,
        typer.Option(
            "--core",
            help="also measure the C++ search: Python overhead, threads, code paths, constraints, model",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure speed and agreement of the installed decoders on the same log-probabilities.

    Rounds are interleaved. Ratios of images per second are taken within each round; of both the median is
    shown, and of the ratio the quartiles. Decoders use one thread unless their options set another number.
    """
    from ctcbench.benchmarks.decoder_comparison import compare
    from ctcbench.benchmarks.decoder_core import core_rates
    from ctcbench.benchmarks.guide_cost import guide_costs

    if run is not None and workload:
        raise UsageError("--run and --workload exclude each other; give one of them")
    installed = registry()
    yardstick = installed.resolve("decoder", default_component("decoder"))
    reference = installed.resolve("decoder", reference or yardstick)
    wanted = [installed.resolve("decoder", name) for name in decoder or _installed(installed)]
    # Both are measured even if --decoder does not name them: ratios and agreement refer to them.
    names = list(dict.fromkeys([*wanted, reference, yardstick]))
    _require_ctc(installed, run, names)
    comparisons: list[DecoderComparison] = []
    cores: dict[str, CoreRates] = {}
    costs: dict[str, dict[str, CostRatio]] = {}
    with spinner() as show:
        for name, log_probs in _inputs(run, workload, seed):
            comparisons.append(
                compare(
                    installed,
                    name,
                    log_probs,
                    names,
                    reference=reference,
                    yardstick=yardstick,
                    rounds=rounds,
                    seconds=seconds,
                    progress=show,
                )
            )
            if core:
                show(f"{name}: the C++ search alone")
                cores[name] = core_rates(log_probs, rounds=rounds, seconds=seconds)
                show(f"{name}: constraints and a language model")
                costs[name] = guide_costs(log_probs, rounds=rounds, seconds=seconds)
    if as_json:
        print_json(_document(comparisons, cores, costs, reference, yardstick, rounds))
        return
    console = output_console()
    for comparison in comparisons:
        console.print(_table(comparison))
        if comparison.name in cores:
            console.print(_core_table(cores[comparison.name], costs[comparison.name]))
    ending = "; constraints and model: median and range over the rounds" if core else ""
    note = (
        f"{rounds} interleaved rounds on {_machine()}; ×: images/s over those of {reference} in the same "
        f"round; changed: images whose labels differ from those of {yardstick}"
    )
    console.print(Text(note + ending))


def _installed(installed: Registry) -> list[str]:
    """Return every CTC decoder without required options, and what plugins add to the comparison."""
    # A required option, such as the path of a model, has a value only if the user names the decoder.
    usual = [
        name
        for name, component in installed.components("decoder").items()
        if component.alignment == "ctc" and not any(option.required for option in component.options.values())
    ]
    return [*usual, *installed.compared_decoders()]


def _require_ctc(installed: Registry, run: Path | None, decoders: Sequence[str]) -> None:
    """Check that the run and the decoders use the CTC alignment; others cannot be compared.

    Raises:
        UsageError: one does not.
    """
    others = [f"--decoder {text}" for text in decoders if installed.alignment("decoder", text) != "ctc"]
    if run is not None:
        from ctcbench.cli.run_folder_argument import named_run
        from ctcbench.results.stored_config import stored_config

        loss = stored_config(named_run(run)).loss
        others += [f"--run {run} (loss {loss})"] if installed.alignment("loss", loss) != "ctc" else []
    if others:
        raise UsageError(f"{', '.join(others)}: not for CTC; only CTC decoders can be compared")


def _inputs(run: Path | None, workloads: list[str] | None, seed: int) -> list[tuple[str, LogProbs]]:
    if run is not None:
        from ctcbench.cli.run_folder_argument import named_run

        folder = named_run(run)
        if not folder.has(folder.log_probs_path("test")):
            raise UsageError(f"{run}: the run is not finished, so it has no log-probabilities yet")
        return [(str(run), folder.read_log_probs("test"))]
    from ctcbench.benchmarks.workloads import USUAL, WORKLOADS, find_workload

    names = list(WORKLOADS) if workloads == ["all"] else workloads or USUAL
    return [(name, find_workload(name).draw(seed)) for name in names]


def _document(
    comparisons: list[DecoderComparison],
    cores: dict[str, CoreRates],
    costs: dict[str, dict[str, CostRatio]],
    reference: str,
    yardstick: str,
    rounds: int,
) -> dict[str, object]:
    return {
        "machine": _machine(),
        "rounds": rounds,
        "reference": reference,
        "yardstick": yardstick,
        "workloads": [dataclasses.asdict(comparison) for comparison in comparisons],
        "core": {name: dataclasses.asdict(rates) for name, rates in cores.items()},
        "guides": {
            name: {guide: dataclasses.asdict(ratio) for guide, ratio in ratios.items()}
            for name, ratios in costs.items()
        },
    }


def _machine() -> str:
    from ctcbench.results.provenance import host

    facts = host(None)
    cores = facts["cores"]
    return f"{facts['cpu']} ({counted(cores, 'core')})"


def _table(comparison: DecoderComparison) -> Table:
    title = (
        f"{comparison.name}: {comparison.images} images, {comparison.frames} frames × {comparison.classes} "
        f"classes, largest probability {comparison.top_probability:.2f}"
    )
    table = Table(title=Text(title), title_justify="left", caption_justify="left", **_PLAIN)
    table.add_column("decoder")
    for header in ("images", "images/s", "× (quartiles)", "changed"):
        table.add_column(header, justify="right", no_wrap=True)
    for speed in comparison.speeds:
        table.add_row(*_row(speed))
    reasons = [f"{name}: {reason}" for name, reason in comparison.left_out.items()]
    table.caption = Text("\n".join(["not measured: " + reason for reason in reasons]))
    return table


def _core_table(rates: CoreRates, costs: dict[str, CostRatio]) -> Table:
    alone = f"{_figure(rates.alone)} images/s on one thread, code path {rates.path}"
    table = Table("C++ search alone", alone, **_PLAIN)
    table.add_row("beam_search", f"{percent(rates.objects, 0)} of that rate")
    table.add_row("beam_search_arrays", f"{percent(rates.arrays, 0)} of that rate")
    table.add_row("2 threads", f"{rates.two_threads:.2f} × the rate of beam_search with one")
    paths = [f"{path} {percent(share, 0)}" for path, share in rates.paths.items() if path != rates.path]
    table.add_row("other code paths", ", ".join(paths) or "none on this machine")
    for name, cost in costs.items():
        time = f"{cost.median:.2f} × the time of the free search ({cost.low:.2f}–{cost.high:.2f})"
        table.add_row(name, time)
    table.add_row("", "")
    return table


def _row(speed: DecoderSpeed) -> list[RenderableType]:
    # Then its speed can't be compared with that of one core. 1.2, because CPU time is not measured exactly.
    cores = f"({speed.cores:.1f} cores)" if speed.cores > 1.2 else ""
    ratio: Quartiles = speed.ratio
    changed = 1 - speed.same
    return [
        ComponentCell(speed.decoder, cores, "red"),
        Text(str(speed.images)),
        Text(_figure(speed.per_second.median)),
        Text(f"{_figure(ratio.median)} ({_figure(ratio.low)}–{_figure(ratio.high)})"),
        Text(f"{speed.changed} ({percent(changed, 1 if changed < 0.1 else 0)})"),
    ]


def _figure(value: float) -> str:
    # Two digits of small ratios: with three, names would have too few columns of 80.
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.1 else f"{value:.2g}"

"""`ctcbench predict`: recognises the text in image files with a trained recogniser."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ctcbench.cli.exit_codes import FAILED
from ctcbench.cli.output import output_stream
from ctcbench.cli.picture_arguments import NamedPicture, PictureArguments
from ctcbench.cli.picture_flags import Crops, OtherGround, chosen_crops, chosen_ground
from ctcbench.cli.run_folder_argument import OtherDecoder, RunOrModel, named_recogniser
from ctcbench.cli.standard_streams import has_reader
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.word_lists import counted, first_of, join_words
from ctcbench.files.text import one_line
from ctcbench.files.tiff_pages import has_several_pages

if TYPE_CHECKING:
    from ctcbench.cli.progress import ConsoleProgress
    from ctcbench.cli.views.prediction_output import PredictionOutput


_FORMATS = ("--json", "--jsonl", "--csv")


def predict(
    run: RunOrModel,
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE…|FOLDER|-",
            help="image files, folders of them, or - for standard input: an image, or paths, one a line",
        ),
    ],
    decoder: OtherDecoder = None,
    crops: Crops = None,
    ground: OtherGround = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N")] = "auto",
    n_best: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=1_000, help="also the N best texts by the decoder's score"),
    ] = 0,
    positions: Annotated[
        bool, typer.Option("--positions", help="also the columns and the confidence of each character")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON document on standard output and nothing else")
    ] = False,
    as_json_lines: Annotated[
        bool, typer.Option("--jsonl", help="print a JSON object for each image, one a line")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="print CSV, a line for each image")] = False,
) -> None:
    """Recognise the text in image files, with a confidence for each.

    Results are printed in the order of the images, as they come. Files that can't be read are named on
    standard error, and the exit code is 1; the others are read. With --json, --jsonl and --csv a file that
    can't be read has an empty text and the reason as `error`.
    """
    chosen = [flag for flag, given in zip(_FORMATS, (as_json, as_json_lines, as_csv), strict=True) if given]
    if len(chosen) > 1:
        raise UsageError(f"{join_words(chosen)}: give one of them")
    if as_csv and positions:
        raise UsageError("--positions: a line of CSV has no place for a list; use --json or --jsonl")
    wanted_crops, wanted_ground = chosen_crops(crops), chosen_ground(ground)
    # Everything that can be checked is checked before torch is imported, which takes seconds.
    folder = named_recogniser(run)
    arguments = PictureArguments(images)
    from ctcbench.api import load
    from ctcbench.cli.progress import progress_listener
    from ctcbench.cli.views.prediction_output import unfamiliar_pictures
    from ctcbench.evaluation.proof_counts import ProofTally

    recogniser = load(run, device, ground=wanted_ground)
    if folder is not None and not folder.is_finished:
        text = "training is not finished: using the best weights so far, and confidences are not calibrated"
        print(one_line(f"{run}: {text}"), file=sys.stderr)
    names: deque[str] = deque()
    several_pages: list[str] = []
    predictions = recogniser.predict_each(
        _contents(arguments, names, several_pages),
        decoder=decoder,
        n_best=n_best,
        positions=positions,
        crops=wanted_crops,
    )
    failed = unfamiliar = done = 0
    proofs = ProofTally()
    # A bar on the terminal that lines are printed on would be torn apart.
    is_quiet = bool(chosen) and output_stream().isatty()
    with progress_listener() as listener, warnings.catch_warnings():
        # Pillow's remarks on damaged metadata name no file.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        listener.pictures_started()
        output = _output(chosen, listener, n_best, positions=positions)
        try:
            for done, outcome in enumerate(predictions, start=1):
                name = names.popleft()
                if isinstance(outcome, BadSample):
                    failed += 1
                    reason = arguments.problems.get(name) or str(outcome)
                    listener.error(one_line(f"ctcbench predict: {name}: {reason}"))
                    output.add(name, reason)
                else:
                    unfamiliar += outcome.familiar is False
                    outcome.count_proof(proofs)
                    output.add(name, outcome)
                if not is_quiet:
                    listener.pictures_predicted(done, arguments.total)
                if not has_reader(output_stream()):
                    break
        finally:
            # After Ctrl-C too, so that a JSON document is a whole one.
            output.finish()
        for notice in filter(None, (arguments.unread_notice(), _pages_notice(several_pages))):
            listener.notice(one_line(notice))
        if unfamiliar:
            listener.notice(f"unfamiliar: {unfamiliar_pictures(unfamiliar, done - failed, 'image')}")
        if counts := proofs.counts():
            listener.notice(f"proven best: {counts}")
    if failed:
        raise typer.Exit(FAILED)


def _contents(
    arguments: Iterable[NamedPicture], names: deque[str], several_pages: list[str]
) -> Iterator[Path | bytes]:
    """Yield the contents of pictures; their names wait in `names` for the predictions.

    The names of those with several pages are added to `several_pages`.
    """
    for name, content in arguments:
        names.append(name)
        if has_several_pages(content):
            several_pages.append(name)
        yield content


def _pages_notice(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"first page only: {counted(len(names), 'TIFF file')} with several pages ({first_of(names)})"


def _output(
    chosen: Sequence[str], listener: ConsoleProgress, n_best: int, *, positions: bool
) -> PredictionOutput:
    from ctcbench.cli.views.prediction_output import CsvOutput, JsonLinesOutput, JsonOutput, TableOutput

    if not chosen:
        return TableOutput(listener.make_room, n_best > 0, positions)
    if chosen == ["--csv"]:
        return CsvOutput(n_best)
    return JsonOutput() if chosen == ["--json"] else JsonLinesOutput()

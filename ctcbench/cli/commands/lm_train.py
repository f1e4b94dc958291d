"""`ctcbench lm train`: trains an n-gram model on texts and writes it to an ARPA file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ctcbench.cli.corpus_flags import TextFile, UnitFlag, dataset_texts, file_texts, require_unit, words_in
from ctcbench.cli.dataset_flags import Count, Dataset, chosen_dataset
from ctcbench.cli.output import print_json, report_console, require_separate_json
from ctcbench.cli.shared_flags import AsJson
from ctcbench.contract.errors import UsageError
from ctcbench.files.output_files import require_output, write_output

if TYPE_CHECKING:
    from ctcbench.decoding.lm.kneser_ney import KneserNeyModel
    from ctcbench.decoding.lm.perplexity import Perplexity


def train(
    out: Annotated[Path, typer.Option(metavar="FILE", help="the ARPA file to write", show_default=False)],
    dataset: Dataset = None,
    text: TextFile = None,
    val_text: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="with --text: lines whose perplexity is measured", show_default=False
        ),
    ] = None,
    order: Annotated[int, typer.Option(metavar="N", min=1, max=10, help="length of the longest n-grams")] = 3,
    unit: UnitFlag = "character",
    samples: Count = None,
    as_json: AsJson = False,
) -> None:
    """Train an n-gram model on the training texts of a data set, or on a text file.

    The smoothing is modified Kneser-Ney (Chen and Goodman 1999). The decoder beam_cpp uses the file with
    `--decoder beam_cpp:lm=FILE`.
    """
    chosen_unit = require_unit(unit)
    require_separate_json(out, as_json)
    require_output(out, text, val_text)
    if text is not None and (dataset is not None or samples is not None):
        raise UsageError("--text takes the place of a data set: leave out the data set and --samples")
    if val_text is not None and text is None:
        raise UsageError("--val-text needs --text; of a data set, the validation texts are used")
    # Here, because it loads numpy, for which --help must not wait.
    from ctcbench.decoding.lm.arpa_writer import arpa_lines
    from ctcbench.decoding.lm.kneser_ney import train_kneser_ney
    from ctcbench.decoding.lm.perplexity import measure_perplexity
    from ctcbench.decoding.lm.spellings import word_of_character

    chosen = chosen_dataset(dataset) if text is None else None
    vocabulary: list[str] = []
    corpora: dict[str, list[str]] = {}
    if chosen is None:
        assert text is not None
        corpora["train"] = file_texts(text)
        if val_text is not None:
            corpora["val"] = file_texts(val_text)
    else:
        corpora["train"] = dataset_texts(chosen, "train", samples)
        corpora["val"] = dataset_texts(chosen, "val", samples)
        if chosen_unit == "character":
            vocabulary = [word_of_character(character) for character in chosen.source.alphabet.characters]
    split = {name: [words_in(one, chosen_unit, chosen) for one in texts] for name, texts in corpora.items()}
    trained = train_kneser_ney(split["train"], order, vocabulary)
    perplexities = {name: measure_perplexity(trained.model, texts) for name, texts in split.items()}
    write_output(out, "".join(arpa_lines(trained.model)).encode())
    facts = _facts(trained, perplexities, chosen_unit, out)
    if as_json:
        print_json(facts)
        return
    from ctcbench.cli.views.model_tables import training_tables

    for table in training_tables(facts):
        report_console(out).print(table)


def _facts(
    trained: KneserNeyModel, perplexities: dict[str, Perplexity], unit: str, out: Path
) -> dict[str, Any]:
    orders = zip(trained.model.sizes, trained.discounts, strict=True)
    return {
        "written": str(out),
        "unit": unit,
        "orders": [
            {"order": order, "ngrams": size, "discounts": list(found[:3]), "estimated": found.estimated}
            for order, (size, found) in enumerate(orders, 1)
        ],
        "perplexity": {
            name: {**found._asdict(), "perplexity": found.perplexity} for name, found in perplexities.items()
        },
    }

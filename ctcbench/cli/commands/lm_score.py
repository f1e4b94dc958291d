"""`ctcbench lm score`: the probabilities and the perplexity of texts under an n-gram model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctcbench.cli.corpus_flags import TextFile, Unit, file_texts, words_in
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.shared_flags import AsJson
from ctcbench.contract.errors import UsageError


def score(
    model: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="an ARPA file, or a binary one of KenLM", show_default=False),
    ],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="texts to score", show_default=False)
    ] = None,
    text: TextFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the log-probability and the perplexity of texts under an n-gram model.

    Log-probabilities are natural logarithms, with the end of the text. The perplexity is that of a character
    of a model of characters, and that of a word of a model of words.
    """
    given = [*(texts or []), *(file_texts(text) if text is not None else [])]
    if not given:
        raise UsageError("no text to score: give texts after the file, or --text FILE")
    # Here, because it loads numpy, for which --help must not wait.
    from ctcbench.decoding.lm.model_reader import read_ngram_model
    from ctcbench.decoding.lm.perplexity import measure_perplexity
    from ctcbench.decoding.lm.spellings import is_of_characters

    read = read_ngram_model(model)
    unit: Unit = "character" if is_of_characters(read) else "word"
    split = [words_in(one, unit) for one in given]
    scores = [measure_perplexity(read, [words]) for words in split]
    total = measure_perplexity(read, split)
    facts = {
        "model": str(model),
        "unit": unit,
        "texts": [
            {"text": one, **found._asdict(), "perplexity": found.perplexity}
            for one, found in zip(given, scores, strict=True)
        ],
        "total": {**total._asdict(), "perplexity": total.perplexity},
    }
    if as_json:
        print_json(facts)
        return
    from ctcbench.cli.views.model_tables import score_table

    output_console().print(score_table(facts))

"""The texts of `ctcbench lm`: those of a data set, or the lines of a text file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from ctcbench.cli.completion import complete_choice, require_choice
from ctcbench.cli.dataset_flags import draw_samples
from ctcbench.config.run_config import setting_fields
from ctcbench.contract.errors import UsageError
from ctcbench.files.plain_files import read_named_file
from ctcbench.registry.attribution import attribute_errors

if TYPE_CHECKING:
    from ctcbench.contract.data import SplitName
    from ctcbench.data.built_dataset import BuiltDataset

Unit = Literal["character", "word"]
UNITS: tuple[str, ...] = get_args(Unit)
_MOST_BYTES = 2**30

UnitFlag = Annotated[
    str,
    typer.Option(
        metavar="|".join(UNITS),
        help="what an n-gram consists of",
        autocompletion=complete_choice(UNITS),
    ),
]
TextFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="the texts are the lines of this file (UTF-8)", show_default=False),
]


def require_unit(unit: str) -> Unit:
    """Return a unit that the user named.

    Raises:
        UsageError: there is no such unit.
    """
    require_choice("--unit", unit, UNITS)
    return "word" if unit == "word" else "character"


def file_texts(path: Path) -> list[str]:
    """Return the lines of a text file that are not empty, without the white space at their ends.

    Raises:
        UsageError: the file can't be read, is not UTF-8, or has no such line.
    """
    content = read_named_file(path, _MOST_BYTES)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, line {line:,}: not UTF-8; save the file with this encoding") from None
    texts = [line.strip() for line in lines if line.strip()]
    if not texts:
        raise UsageError(f"{path}: has no text")
    return texts


def dataset_texts(dataset: BuiltDataset, split: SplitName, samples: int | None) -> list[str]:
    """Return the texts of a split; its images are drawn only if the data set can't tell texts without.

    Raises:
        UsageError: an image can't be used.
    """
    source = dataset.source
    text_of = getattr(source, "text_of", None)
    if text_of is None:
        # Bad samples are left out: those that can't be read have no text that is known to be right.
        # The notices of the data set once, although two splits are drawn.
        drawn = draw_samples(dataset, split, samples, skip_bad=True, notices=split == "train")
        return list(drawn.texts)
    count = samples or source.size(split) or setting_fields()[f"{split}_samples"].default
    with attribute_errors(f"dataset {dataset.text!r}: text_of failed"):
        return [text_of(split, index) for index in range(count)]


def words_in(text: str, unit: Unit, dataset: BuiltDataset | None = None) -> Sequence[str]:
    """Return the words of the n-gram model in a text: its characters, a space as ``<space>``, or its words.

    The characters are those of the alphabet of the data set, in the order of the frames.
    """
    from ctcbench.decoding.lm.spellings import word_of_character

    if unit == "word":
        # Not split(): other spaces, such as U+00A0, belong to words in the decoder and in ARPA files.
        return [word for word in re.split("[ \t]", text) if word]
    if dataset is None:
        return [word_of_character(character) for character in text]
    return [word_of_character(character) for character in dataset.source.alphabet.frame_order(text)]

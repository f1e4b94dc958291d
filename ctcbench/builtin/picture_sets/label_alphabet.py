"""label_alphabet(): the alphabet of labelled pictures: typed, or that of the training labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ctcbench.builtin.alphabets import range_hint, read_alphabet
from ctcbench.builtin.grapheme_clusters import Characters, clusters_of
from ctcbench.builtin.label_notices import Labels, invisible_notice
from ctcbench.builtin.picture_sets.entry_index import EntryIndex
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.files.picture_files import natural_order

_AUTO = "auto"
_NAMED = 3  # pictures without a label that an error names


def label_alphabet(
    options: PictureOptions,
    labels: Labels,
    training: EntryIndex[Any],
    root: Path,
    remedy: str,
    what: str = "training pictures",
) -> tuple[Alphabet, str]:
    """Return the alphabet of the option, and a notice if it is perhaps not what is meant.

    ``auto`` has the characters of the training labels, ``auto+[xyz]`` those of ``[xyz]`` as well.

    Args:
        options: those of the data set.
        labels: the labels of the training pictures.
        training: the training pictures.
        root: the place of the data set, for errors.
        remedy: how to have labels read from elsewhere, for the error that there are none.
        what: the training pictures, for that error: a table without any has the alphabet of its others.

    Raises:
        UsageError: the alphabet is written wrongly, or no training picture has a label.
    """
    is_clusters = options.characters == "clusters"
    first, plus, more = options.alphabet.partition("+")
    if first != _AUTO:
        return read_alphabet(options.alphabet, clusters=is_clusters), range_hint(options.alphabet)
    found = _occurring(training, options.characters, root, remedy, what)
    if plus:
        found.update(read_alphabet(more, clusters=is_clusters).characters)
    return Alphabet(tuple(sorted(found))), invisible_notice(labels, options.characters)


def _occurring(
    training: EntryIndex[Any], characters: Characters, root: Path, remedy: str, what: str
) -> set[str]:
    found: set[str] = set()
    for label in training.texts():
        text = label or ""
        found.update(clusters_of(text) if characters == "clusters" else text)
    if not found:
        ordered = sorted(training, key=lambda entry: natural_order(entry.where))
        named = "; ".join(f"{entry.where}: {entry.reason}" for entry in ordered[:_NAMED])
        more = f"; and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
        raise UsageError(f"{root}: none of {len(ordered)} {what} has a label: {named}{more}; {remedy}")
    return found

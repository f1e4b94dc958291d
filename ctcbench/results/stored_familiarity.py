"""The distribution of the statistics of a run's training images; ``familiarity.json`` of a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import format_json, parse_json
from ctcbench.files.json_records import read_record
from ctcbench.results.run_folder import RunFolder

if TYPE_CHECKING:
    from ctcbench.evaluation.familiarity import Familiarity


def familiarity_path(folder: RunFolder) -> Path:
    """Return where the distribution is stored."""
    return folder.path / "familiarity.json"


def write_familiarity(folder: RunFolder, familiarity: Familiarity) -> None:
    """Store the distribution.

    Raises:
        UsageError: the folder can't be written.
    """
    folder.write(familiarity_path(folder), format_json(familiarity.to_json(), indent=None))


def read_familiarity(folder: RunFolder, channels: int) -> Familiarity | None:
    """Return the distribution; None where there is none, as in runs of earlier versions.

    Args:
        folder: the run folder.
        channels: of the run's images.

    Raises:
        CtcbenchError: the file is damaged, or belongs to images with another number of channels.
    """
    from ctcbench.evaluation.familiarity import FamiliarityRecord  # imports numpy

    path = familiarity_path(folder)
    if not folder.has(path):
        return None
    record = read_record(FamiliarityRecord, parse_json(folder.read(path), path), path)
    try:
        return record.familiarity(channels)
    except CtcbenchError as error:
        raise CtcbenchError(f"{path}: {error}") from None

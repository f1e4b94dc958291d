"""The files and folders of a data set, which no output of a command replaces."""

from __future__ import annotations

from pathlib import Path

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError

_OPTIONS = ("path", "list", "train_names", "val_names", "test_names")  # of data sets


def data_files(dataset: str | None) -> list[Path]:
    """Return the files and folders that the options of a data set name."""
    options = ComponentString.parse(dataset).options if dataset else {}
    return [Path(options[name]).expanduser() for name in _OPTIONS if name in options]


def require_outside_data(path: Path, dataset: str | None) -> None:
    """Check that an output file would not replace a file in a folder of the data set.

    A data set finds pictures and lists of labels in its folder without being told their names.

    Raises:
        UsageError: it would.
    """
    folders = [one.resolve() for one in data_files(dataset) if one.is_dir()]
    if path.is_file() and any(path.resolve().is_relative_to(folder) for folder in folders):
        raise UsageError(f"{path}: is a file of the data set; name another one to write")

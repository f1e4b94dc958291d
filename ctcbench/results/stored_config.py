"""Read the settings of a run folder back as a `RunConfig`."""

from __future__ import annotations

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.results.run_folder import RunFolder

# Settings whose default must not stand in for what a damaged file has lost; the last is near its end.
_ALWAYS_THERE = ("dataset", "backbone", "head", "train_samples", "test_samples", "epochs", "lr", "seed")


def stored_config(folder: RunFolder) -> RunConfig:
    """Return a run folder's settings.

    Raises:
        CtcbenchError: the file is damaged, or has a setting that is not known or out of bounds.
    """
    settings = folder.read_config()
    try:
        config = RunConfig(**settings)
    except UsageError as error:
        raise CtcbenchError(f"{folder.config_path}: {error}") from None
    if missing := [name for name in _ALWAYS_THERE if name not in settings]:
        raise CtcbenchError(f"{folder.config_path}: damaged or cut off (no setting {missing[0]!r})")
    return config

"""stored_config(): the settings of a run folder as a `RunConfig`."""

from __future__ import annotations

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.results.run_folder import RunFolder

# Settings that every version wrote: where one is missing, the file was cut off, and a default must not
# replace it. The last one is near the end of the file.
_ALWAYS_WRITTEN = ("dataset", "backbone", "head", "train_samples", "test_samples", "epochs", "lr", "seed")


def stored_config(folder: RunFolder) -> RunConfig:
    """Return the settings of a run folder; those of an earlier version are translated.

    Raises:
        CtcbenchError: the file is damaged or cut off, or a setting is unknown or out of bounds.
    """
    settings = folder.read_config()
    try:
        config = RunConfig(**settings)
    except UsageError as error:
        raise CtcbenchError(f"{folder.config_path}: {error}") from None
    if missing := [name for name in _ALWAYS_WRITTEN if name not in settings]:
        raise CtcbenchError(f"{folder.config_path}: damaged or cut off (no setting {missing[0]!r})")
    for setting in ("dataset", "extra_dataset"):
        require_stored_alphabet(getattr(config, setting), str(folder.config_path), setting)
    return config


def differing_decoder(folder: RunFolder, decoder: str) -> str:
    """Return `decoder` if the settings of a run have another one, which commands use by default.

    An empty text if they have the same one, or can't be read.
    """
    try:
        return "" if stored_config(folder).decoder == decoder else decoder
    except CtcbenchError:
        return ""


def require_stored_alphabet(dataset: str, where: str, setting: str = "dataset") -> None:
    """Check that the data set in stored settings has the characters of its alphabet, and no name of a file.

    A run stores the characters of ``alphabet=@FILE``. Settings from a stranger may name any file, which
    reading the option would open.

    Args:
        dataset: the component string.
        where: the place of the settings, for the error.
        setting: the setting that names the data set, for the error.

    Raises:
        CtcbenchError: the alphabet is that of a file.
    """
    try:
        alphabet = ComponentString.parse(dataset).options.get("alphabet", "")
    except UsageError:
        return  # reported where the data set is used
    if alphabet.startswith("@") and alphabet != "@":  # alone it is the character
        raise CtcbenchError(
            f"{where}: {setting}: alphabet={alphabet!r} names a file; the settings of a run hold the "
            f"characters"
        )

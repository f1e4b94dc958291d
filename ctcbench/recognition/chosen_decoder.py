"""build_chosen_decoder(): the decoder that reads pictures, that of the model or another one."""

from __future__ import annotations

from collections.abc import Mapping

from ctcbench.config.recipe import require_fitting_decoder
from ctcbench.contract.errors import UsageError
from ctcbench.files.attached_files import only_stored_files
from ctcbench.pipeline.built_decoder import BuiltDecoder, build_decoder
from ctcbench.recognition.reader import Reader
from ctcbench.registry.component_registry import Registry


def build_chosen_decoder(registry: Registry, reader: Reader, decoder: str) -> tuple[str, BuiltDecoder]:
    """Return the component string of a decoder in canonical form, and the decoder.

    Raises:
        UsageError: there is no such decoder, an option of it is wrong, or it does not fit the recogniser.
        PluginError: its builder failed.
    """
    chosen = registry.resolve("decoder", decoder)
    require_fitting_decoder(registry, reader.alignment, chosen, "this recogniser")
    return chosen, build_decoder(registry, chosen, reader.alphabet)


def build_own_decoder(
    registry: Registry, reader: Reader, decoder: str, files: Mapping[str, bytes], origin: str
) -> tuple[str, BuiltDecoder]:
    """Return what `build_chosen_decoder` returns for the decoder of a run folder or of an ONNX file.

    Args:
        registry: where the decoder comes from.
        reader: the network.
        decoder: the component string that is stored.
        files: the stored files of the decoder, by digest. No other file is opened.
        origin: the path of the run folder or of the ONNX file, for errors.

    Raises:
        UsageError: as `build_chosen_decoder`; the message names `origin` and how to use another decoder.
        PluginError: its builder failed.
    """
    try:
        # The decoder of a stranger's run must not open files of this machine; one that the user types may.
        with only_stored_files(files):
            return build_chosen_decoder(registry, reader, decoder)
    except UsageError as error:
        raise UsageError(
            f"{origin}: its decoder can't be used (--decoder NAME chooses another one): {error}"
        ) from error

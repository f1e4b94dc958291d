"""The files of a run's decoder, such as a list of words: ``decoder_files/<digest>.data`` in its folder."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.files.attached_files import (
    attached_content,
    attached_digests,
    only_stored_files,
    require_digest,
)
from ctcbench.registry.component_registry import Registry
from ctcbench.results.run_folder import RunFolder


def write_decoder_files(registry: Registry, folder: RunFolder, decoder: str) -> None:
    """Write the files of a decoder that the run folder lacks.

    Raises:
        UsageError: a file can't be read, or has changed since `decoder` was resolved.
        CtcbenchError: the run folder can't be written.
    """
    for digest, text in _digests(registry, decoder).items():
        path = _path(folder, digest)
        if not folder.has(path):
            folder.write(path, attached_content(text))


def read_decoder_files(registry: Registry, folder: RunFolder, decoder: str) -> Mapping[str, bytes]:
    """Return those files of a decoder that the run folder has, by digest; none if it is not installed.

    Raises:
        CtcbenchError: a file is damaged.
    """
    try:
        paths = {digest: _path(folder, digest) for digest in _digests(registry, decoder)}
    except UsageError:
        return {}  # another decoder can still be used with the run
    return {
        digest: require_digest(folder.read(path), digest, path)
        for digest, path in paths.items()
        if folder.has(path)
    }


def from_run_folder(
    registry: Registry, folder: RunFolder, decoder: str
) -> contextlib.AbstractContextManager[None]:
    """Return a context in which a decoder is built from the files in the run folder, if it has all of them.

    Raises:
        UsageError: there is no such decoder.
        CtcbenchError: a file is damaged.
    """
    files = read_decoder_files(registry, folder, decoder)
    is_stored = files.keys() == _digests(registry, decoder).keys()
    return only_stored_files(files) if is_stored else contextlib.nullcontext()


def _digests(registry: Registry, decoder: str) -> dict[str, str]:
    return attached_digests(registry.get("decoder", ComponentString.parse(decoder).name), decoder)


def _path(folder: RunFolder, digest: str) -> Path:
    return folder.path / "decoder_files" / f"{digest}.data"

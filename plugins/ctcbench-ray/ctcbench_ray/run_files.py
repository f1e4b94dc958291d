"""The files of a run folder, copied between a node and the study's folder."""

from __future__ import annotations

import stat
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from ctcbench import CtcbenchError
from ctcbench.files.manifest import MANIFEST
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.files.sealed_folder import SealedFolder

# In the order in which a run writes them, so that an interrupted copy is equal to a run that was stopped
# earlier: the metrics reach at least to the checkpoint, and results have their predictions.
_ORDER = (
    "config.toml", "metrics.jsonl", "recognizer.json", "weights.safetensors", "checkpoint.safetensors",
    "manifest.json", "summary.json", "log_probs", "familiarity.json", "predictions", "results",
)  # fmt: skip

Signatures = Mapping[str, str]


def signatures(folder: Path) -> dict[str, str]:
    """Return a signature of each file by its name in the folder; it changes when the file does.

    Hidden files, which are locks and unfinished writes, are left out.
    """
    found = {}
    for path in sorted(folder.rglob("*"), key=lambda path: _rank(path.relative_to(folder).as_posix())):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):
            continue
        try:
            status = path.lstat()  # a link is not a file of a run
        except OSError:
            continue  # removed since it was listed
        if stat.S_ISREG(status.st_mode):
            # The inode as well: an atomic replacement within one tick of the clock can have the same size.
            found[name.as_posix()] = f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
    return found


def read_changed(folder: Path, have: Signatures) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the files whose signatures differ from `have`, and their signatures."""
    # Read in reverse order: the folder may be written meanwhile, and no file must be older than one that
    # depends on it.
    files: dict[str, bytes] = {}
    read: dict[str, str] = {}
    for name, signature in reversed(signatures(folder).items()):
        if have.get(name) == signature:
            continue
        try:
            # It may be replaced between stat() and this read; then the next call finds another signature.
            files[name] = (folder / name).read_bytes()
        except OSError:
            continue
        read[name] = signature
    return files, read


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a run folder, each atomically; the folder is created if it does not exist.

    Raises:
        CtcbenchError: a name leads out of the folder; then nothing is written.
        UsageError: the folder can't be written.
    """
    # All names are checked before any file is written.
    for name in files:
        _require_inside(folder, name)
    folder.mkdir(parents=True, exist_ok=True)
    ordered, target = {name: files[name] for name in sorted(files, key=_rank)}, SealedFolder(folder)
    if target.is_sealed:
        # It keeps a manifest of its own, which also allows for an end between two files.
        target.write_all({name: data for name, data in ordered.items() if name != MANIFEST})
        return
    for name, data in ordered.items():
        PlainFolder.write(target, name, data)


def remove(folder: Path, names: Collection[str]) -> None:
    """Remove files of a run folder if they exist.

    Raises:
        CtcbenchError: a name leads out of the folder.
    """
    for name in names:
        _require_inside(folder, name)
    target = SealedFolder(folder)
    target.write_all({}, remove=[name for name in names if name != MANIFEST])
    if MANIFEST in names:
        target.unseal()


def _rank(name: str) -> tuple[int, str]:
    first = name.partition("/")[0]
    # Unknown files, those of plugins, come first: nothing here depends on them.
    return (_ORDER.index(first) if first in _ORDER else -1, name)


def _require_inside(folder: Path, name: str) -> None:
    parts = PurePosixPath(name).parts
    plain = parts and not any(part.startswith((".", "/")) or "\\" in part or "\0" in part for part in parts)
    path = folder.joinpath(*parts) if plain else folder
    # A symbolic link in the folder may lead out as well.
    if not plain or not path.resolve().is_relative_to(folder.resolve()):
        raise CtcbenchError(f"{folder}: a node sent a file {name!r}, which does not belong in a run folder")

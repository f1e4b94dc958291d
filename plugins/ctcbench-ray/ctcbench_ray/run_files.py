"""A run folder's files between a node and the study's folder: which, in what order, and where to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from ctcbench import CtcbenchError
from ctcbench.files.atomic import atomic_path

# In the order in which a run comes to have them, so that a copy which is cut off in the middle is a
# run that was stopped earlier: metrics reach as far as the checkpoint, results have their predictions.
_ORDER = (
    "config.toml", "metrics.jsonl", "recognizer.json", "weights.safetensors", "checkpoint.safetensors",
    "summary.json", "log_probs", "predictions", "results",
)  # fmt: skip

Signatures = Mapping[str, str]


def signatures(folder: Path) -> dict[str, str]:
    """Return what tells one state of each file from another, by the file's name in the folder.

    Hidden files stay out: locks and what is half written.
    """
    found = {}
    for path in sorted(folder.rglob("*"), key=lambda path: _rank(path.relative_to(folder).as_posix())):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):
            continue
        try:
            status = path.stat()
        except OSError:
            continue  # gone meanwhile
        if path.is_file():
            found[name.as_posix()] = f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
    return found


def read_changed(folder: Path, have: Signatures) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the files that are not as in `have`, and the signatures of those.

    The last made are read first: of a folder that is being written, nothing is read that rests on
    something newer than what is read of it.
    """
    files: dict[str, bytes] = {}
    read: dict[str, str] = {}
    for name, signature in reversed(signatures(folder).items()):
        if have.get(name) == signature:
            continue
        try:
            files[name] = (folder / name).read_bytes()
        except OSError:
            continue
        read[name] = signature
    return files, read


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a run folder, each in place of an older one as a whole.

    Raises:
        CtcbenchError: a name leads out of the folder; nothing is written then.
        UsageError: the folder can't be written.
    """
    paths = {name: _inside(folder, name) for name in files}
    for name in sorted(files, key=_rank):
        with atomic_path(paths[name]) as temporary:
            temporary.write_bytes(files[name])


def remove(folder: Path, names: Collection[str]) -> None:
    """Remove files of a run folder, those that are there.

    Raises:
        CtcbenchError: a name leads out of the folder.
    """
    for path in [_inside(folder, name) for name in names]:
        path.unlink(missing_ok=True)


def _rank(name: str) -> tuple[int, str]:
    first = name.partition("/")[0]
    return (_ORDER.index(first) if first in _ORDER else -1, name)


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    plain = parts and not any(part.startswith((".", "/")) or "\\" in part or "\0" in part for part in parts)
    path = folder.joinpath(*parts) if plain else folder
    # A link that somebody put there may lead out as well.
    if not plain or not path.resolve().is_relative_to(folder.resolve()):
        raise CtcbenchError(f"{folder}: a node sent a file {name!r}, which does not belong into a run folder")
    return path

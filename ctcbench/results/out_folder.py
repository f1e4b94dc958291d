"""The folder that contains run folders: creating a run folder in it, and finding the existing ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.atomic import unwritable
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.results.config_file import Setting
from ctcbench.results.decoder_key import is_file_name
from ctcbench.results.run_folder import RunFolder

_NAMED = 3  # folders that a message names


def create_run_folder(out: Path, key: str, settings: Mapping[str, Setting | None] | None = None) -> RunFolder:
    """Create the run folder ``out/key``, if it does not exist, and write `settings` there, if given.

    On an error, folders that were created are removed again.

    Raises:
        UsageError: `out` can't be written.
    """
    assert is_file_name(key), key
    folder = RunFolder(Path(out) / key)
    missing: list[Path] = []
    try:
        missing += [path for path in (folder.path, *folder.path.parents) if not path.exists()]
        folder.path.mkdir(parents=True, exist_ok=True)
        if settings is not None:
            folder.write_config(settings)
        else:
            _try_writing(folder.path)
    except (OSError, CtcbenchError) as error:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            raise unwritable(folder.path, error) from error
        raise
    return folder


def find_runs(out: Path) -> list[RunFolder]:
    """Return the run folders in `out` by name, or `out` itself if it is one.

    Raises:
        UsageError: `out` is not a folder, or can't be read.
    """
    if not out.is_dir():
        kind = "is a file" if out.is_file() else "no such folder"
        raise UsageError(f"{out}: {kind}; give a run folder, or the --out folder of `ctcbench run`")
    if is_run(out):
        return [RunFolder(out)]
    try:
        return [RunFolder(path) for path in sorted(out.iterdir()) if is_run(path)]
    except OSError as error:
        raise UsageError(f"{out}: can't be read ({error.strerror})") from error


def hint_at_runs(outs: Sequence[Path]) -> str:
    """Return which folders in the given ones, or above those of studies, contain runs; "" if none does."""
    above = (folder for out in outs for folder in _above_studies(out))
    found = [str(folder) for folder in dict.fromkeys(above) if _has_runs(folder)]
    for inner in (inner for out in outs for inner in sorted(out.iterdir()) if inner.is_dir()):
        found += [str(inner)] if _has_runs(inner) else []
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"there are runs in {', '.join(found[:_NAMED])}{more}: give that folder" if found else ""


def hint_at_unfinished(outs: Sequence[Path]) -> str:
    """Return that the runs in the given folders have no results yet; "" if there are none."""
    unfinished = [run for out in outs for run in find_runs(out) if not run.is_finished]
    if not unfinished:
        return ""
    others = f", and {len(unfinished) - 1} more" if len(unfinished) > 1 else ""
    return (
        f"the training of {unfinished[0].path} is not finished{others}; `ctcbench run … --resume` resumes it"
    )


def _above_studies(folder: Path) -> list[Path]:
    """Return the folder of the runs for that of a study, <out>/studies/<name>, or of all studies."""
    return [path.parent for path in (folder, folder.parent) if path.name == "studies"]


def _has_runs(folder: Path) -> bool:
    with contextlib.suppress(OSError):  # no permission to read it
        return any(map(is_run, folder.iterdir()))
    return False


def is_run(path: Path) -> bool:
    """Return whether a folder has ``config.toml``, whatever that is, so that it is a run folder."""
    # What is a link or a pipe is refused when it is read, with an error that names it.
    return os.path.lexists(RunFolder(path).config_path)


def is_study(path: Path) -> bool:
    """Return whether a folder is that of a study: ``<out>/studies/<name>`` with a plan."""
    return _absolute(path).parent.name == "studies" and os.path.lexists(path / "plan.json")


def split_study(study: Path) -> tuple[Path, str]:
    """Return the folder with the runs of a study, and the study's name."""
    # A path such as `.` has neither.
    path = study if study.parent.name == "studies" else _absolute(study)
    return path.parent.parent, path.name


def _absolute(path: Path) -> Path:
    # Not Path.resolve(): a study may be given by a link in `studies`, and is then read there.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _try_writing(folder: Path) -> None:
    # A full disk may still accept an empty folder; an error now is better than after the first epoch.
    probe = PlainFolder(folder)
    probe.write(".probe", b"\n" * 4096)
    probe.remove(".probe")

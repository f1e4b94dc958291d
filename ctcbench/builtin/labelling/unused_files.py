"""unused_notice(): the files and folders beside the pictures that are not used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ctcbench.builtin.labelling.file_identity import relative_name
from ctcbench.builtin.labelling.folder_inventory import (
    Inventory,
    has_pictures,
    is_likely_text,
    is_picture,
    likely_lists,
)
from ctcbench.builtin.labelling.split_folders import folder_names, likely_split
from ctcbench.contract.data import SplitName
from ctcbench.contract.word_lists import counted

_NAMED = 3  # files of each kind that the notice names


def unused_notice(
    root: Path,
    own: Mapping[SplitName, Path],
    files: Inventory,
    *,
    outside: Sequence[Path],
    unlisted: Sequence[Path],
    used: Collection[Path],
) -> str:
    """Return a notice of what is not used, or an empty text.

    Args:
        root: the folder of the data set.
        own: the folders of the splits.
        files: all files of the splits, and those directly in the root.
        outside: pictures in the root, beside the folders of splits.
        unlisted: pictures that no list names.
        used: the files that are used, pictures and sources of labels.
    """
    parts = []
    if own:
        for folder in sorted(root.iterdir()):
            # Pictures in a folder of any name are looked for; a likely split is named even if it has none.
            ignored = folder.name.startswith(".") or folder in own.values() or not folder.is_dir()
            if not ignored and (likely_split(folder.name) or has_pictures(folder)):
                likely = likely_split(folder.name)
                parts.append(f"folder {folder.name}/" + (f" (looks like {likely!r})" if likely else ""))
        parts += _counted(root, outside, f"outside of {folder_names(own.values())}")
    parts += _counted(root, unlisted, "not listed")
    parts += _counted(root, files.unread, "in a format that is not read")
    others = [file for file in files.others if file not in used]
    misnamed = [file for file in others if not is_likely_text(file) and is_picture(file)]
    parts += _counted(root, misnamed, "without the suffix of its format")
    parts += _counted(root, list(likely_lists(others, files.pictures)), "may hold labels", kind="file")
    parts += _counted(root, files.linked, "linked, not read", kind="folder")
    return f"not used: {'; '.join(parts)}" if parts else ""


def _counted(root: Path, files: Sequence[Path], why: str, kind: str = "picture") -> list[str]:
    if not files:
        return []
    names = ", ".join(relative_name(root, file) for file in files[:_NAMED])
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return [f"{counted(len(files), kind)} {why} ({names}{more})"]

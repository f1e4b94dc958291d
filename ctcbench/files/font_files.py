"""Font files: which files of a folder are fonts, which characters a font can draw, the digest of a font."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ctcbench.contract.errors import UsageError
from ctcbench.files.paths import expand_home
from ctcbench.files.plain_files import MIB, why_not_plain

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_NO_CHARACTER = "\U0010ffff"  # a noncharacter of Unicode, for which a font draws its glyph for missing ones
_LARGEST_FONT = 256 * MIB  # bytes, which are read into memory
_SUFFIXES = (".ttf", ".otf", ".ttc", ".woff")
_TRIED_SIZE = 16  # points at which glyphs are looked for; every size has the same glyphs


def require_font(path: Path, where: str) -> None:
    """Check that `path` is a plain file that a font can be read from.

    Raises:
        UsageError: it is not; `where` begins the message.
    """
    if reason := why_not_plain(path):
        raise UsageError(f"{where}{path}: {reason}")
    if path.stat().st_size > _LARGEST_FONT:
        raise UsageError(f"{where}{path}: not a font (more than 256 MiB)")


def list_fonts(paths: Sequence[str], where: str) -> list[Path]:
    """Return the font files that `paths` name: files, and all fonts in folders and their sub-folders.

    Fonts of a folder are in the order of their paths. Hidden files are left out.

    Raises:
        UsageError: a path does not exist, a folder has no font; `where` begins the message.
    """
    found: list[Path] = []
    for given in paths:
        path = expand_home(given, where)
        if not path.is_dir():
            require_font(path, where)
            found.append(path)
            continue
        inside = [file for file in sorted(path.rglob("*")) if _is_font(file, path)]
        if not inside:
            raise UsageError(f"{where}{path}: no fonts in it ({', '.join(_SUFFIXES)})")
        found += inside
    return found


def _is_font(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.suffix.lower() in _SUFFIXES and not hidden and not why_not_plain(file)


def missing_glyphs(font: FreeTypeFont, characters: str) -> str:
    """Return the characters for which `font` draws nothing, or its glyph for missing characters."""
    # Pillow does not report a missing glyph: the font draws its box for missing ones.
    box = bytes(font.getmask(_NO_CHARACTER))
    return "".join(c for c in characters if bytes(font.getmask(c)) in (box, b""))


@functools.cache
def can_draw(path: Path, characters: str) -> bool:
    """Return whether `path` is a font that has a glyph for every character."""
    from PIL import ImageFont

    try:
        return not missing_glyphs(ImageFont.truetype(str(path), _TRIED_SIZE), characters)
    except (OSError, ValueError):  # FreeType can't read the file, or a glyph in it is damaged
        return False


@functools.cache
def font_digest(path: Path) -> str:
    """Return the SHA-256 digest of a font file, as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""Fonts for the texts below the pictures of a contact sheet: those that have the characters."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TypeAlias

from PIL import ImageFont

from ctcbench.files.font_files import missing_glyphs
from ctcbench.files.text import visible_outer_spaces

Font: TypeAlias = ImageFont.ImageFont | ImageFont.FreeTypeFont

_SIZE = 11
_FONTS = ("Arial Unicode.ttf",)  # for macOS, which has no fontconfig


class CaptionFonts:
    """The font of Pillow, and fonts of this machine that have characters which that font lacks.

    Attributes:
        missing: the characters, sorted, for which no font was found.
    """

    def __init__(self) -> None:
        self.missing = ""
        self._fonts: list[Font] = [ImageFont.load_default()]
        self._failed: set[str] = set()  # the characters of texts that no font has

    def caption(self, text: str) -> tuple[str, Font]:
        """Return a text as it is drawn, so that its spaces can be seen, and a font that has its characters.

        A space at an end, or beside another one, is ␣, or · where no font has both ␣ and the text. Others are
        as wide as a digit: in the font of Pillow a space has two pixels.
        """
        shown = visible_outer_spaces(text)
        font = None if shown == text else self._search(shown)
        if font is None:
            if shown != text:
                shown = "".join("·" if mark != own else own for mark, own in zip(shown, text, strict=True))
            font = self.find(shown)
        return shown.replace(" ", " " * max(1, round(font.getlength("0") / font.getlength(" ")))), font

    def find(self, text: str) -> Font:
        """Return a font that has all characters of `text`, or that of Pillow if there is none."""
        if font := self._search(text):
            return font
        self.missing = "".join(sorted({*self.missing, *_missing(self._fonts[0], text.replace(" ", ""))}))
        return self._fonts[0]

    def _search(self, text: str) -> Font | None:
        characters = "".join(sorted(set(text) - {" "}))  # missing_glyphs() counts what leaves no ink
        for font in self._fonts:
            if not _missing(font, characters):
                return font
        if characters in self._failed or set(characters) & set(self.missing):
            return None
        for name in (_fontconfig_file(characters), *_FONTS):
            with suppress(OSError):
                found = ImageFont.truetype(name, _SIZE)
                if not _missing(found, characters):
                    self._fonts.append(found)
                    return found
        self._failed.add(characters)
        return None


def _missing(font: Font, characters: str) -> str:
    if isinstance(font, ImageFont.ImageFont):  # a Pillow without FreeType has a bitmap font of Latin-1
        return "".join(c for c in characters if ord(c) > 0xFF)
    return missing_glyphs(font, characters)


def _fontconfig_file(characters: str) -> str:
    """Return the file of the font that fontconfig proposes; an empty name if it is not installed."""
    charset = " ".join(f"{ord(c):x}" for c in characters)
    command = ["fc-match", "--format=%{file}", f"sans:charset={charset}"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout

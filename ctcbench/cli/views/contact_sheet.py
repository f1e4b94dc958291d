"""Samples of a data set as pictures: a contact sheet, and half-block characters for the terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.style import Style
from rich.text import Text

from ctcbench.cli.views.caption_fonts import CaptionFonts, Font
from ctcbench.contract.data import Images
from ctcbench.files.output_files import write_output
from ctcbench.files.text import printable

_MARGIN, _CAPTION = 6, 16
_WIDEST, _HIGHEST = 1600, 400  # pixels of a row, and of an image


def contact_sheet(images_NCHW: Images, texts: Sequence[str], columns: int = 5) -> tuple[Image.Image, str]:
    """Return one picture of all images, each with its text below it, and the characters that no font has.

    There are at most `columns` images in a row. Images that are larger than a row of the sheet are reduced.
    """
    num_images, _, height, width = images_NCHW.shape
    scale = min(1, _WIDEST / width, _HIGHEST / height)
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    columns = max(1, min(columns, _WIDEST // width))
    rows = -(-num_images // columns)
    cell_width, cell_height = width + _MARGIN, height + _CAPTION + _MARGIN
    size = (min(columns, num_images) * cell_width + _MARGIN, rows * cell_height + _MARGIN)
    sheet = Image.new("RGB", size, "#d8d8d8")
    pen, fonts = ImageDraw.Draw(sheet), CaptionFonts()
    for index, (image_CHW, text) in enumerate(zip(images_NCHW, texts, strict=True)):
        row, column = divmod(index, columns)
        left, top = column * cell_width + _MARGIN, row * cell_height + _MARGIN
        picture = _picture(image_CHW)
        if scale < 1:
            picture = picture.resize((max(1, round(picture.width * scale)), height))
        sheet.paste(picture, (left, top))
        caption, font = fonts.caption(printable(text))
        place = (left + 2, top + height + _CAPTION - 3)
        # Letters of all fonts stand on one line; marks above and below may reach into the margins.
        pen.text(place, _cut(pen, caption, width, font), fill="black", font=font, anchor="ls")
    return sheet, fonts.missing


def write_contact_sheet(path: Path, images_NCHW: Images, texts: Sequence[str]) -> None:
    """Write the contact sheet of images as a PNG file; a line on standard error names missing characters."""
    sheet, missing = contact_sheet(images_NCHW, texts)
    sheet.save(written := io.BytesIO(), format="PNG")
    write_output(path, written.getvalue())
    if missing:
        print(
            f"ctcbench: {path}: no installed font has {_named(missing)}; the pictures are not affected, "
            "only the texts below them",
            file=sys.stderr,
        )


def _named(characters: str, most: int = 5) -> str:
    """Return the first characters with their code points."""
    named = ", ".join(f"{c} (U+{ord(c):04X})" for c in characters[:most])
    return f"{named} and {len(characters) - most} more" if len(characters) > most else named


def _cut(pen: ImageDraw.ImageDraw, text: str, width: int, font: Font) -> str:
    """Return a text, cut where it would reach into the next column."""
    kept = text[:width]  # no character is narrower than a pixel
    while kept and pen.textlength(kept if kept == text else f"{kept}…", font) > width:
        kept = kept[: -1 - len(kept) // 8]
    return kept if kept == text else f"{kept}…"


def half_blocks(image_CHW: NDArray[np.uint8], width: int) -> Text:
    """Return an image as text of at most `width` columns; a line of half blocks holds two rows of pixels."""
    picture = _picture(image_CHW)
    columns = min(width, picture.width)
    rows = max(2, round(picture.height * columns / picture.width))
    # A character cell is about twice as high as wide: two pixels each, in its fore- and background colour.
    pixels_HWC = np.asarray(picture.resize((columns, rows + rows % 2), Image.Resampling.BOX))
    lines = [
        Text("").join(
            Text("▀", Style.parse(f"{_colour(upper)} on {_colour(lower)}"))
            for upper, lower in zip(pixels_HWC[row], pixels_HWC[row + 1], strict=True)
        )
        for row in range(0, len(pixels_HWC), 2)
    ]
    return Text("\n").join(lines)


def _picture(image_CHW: NDArray[np.uint8]) -> Image.Image:
    # Pillow has no mode for an array with a channel axis of length 1.
    if image_CHW.shape[0] == 1:
        return Image.fromarray(np.ascontiguousarray(image_CHW[0])).convert("RGB")
    return Image.fromarray(np.ascontiguousarray(image_CHW[:3].transpose(1, 2, 0))).convert("RGB")


def _colour(pixel: NDArray[np.uint8]) -> str:
    red, green, blue = (int(part) for part in pixel)
    return f"#{red:02x}{green:02x}{blue:02x}"

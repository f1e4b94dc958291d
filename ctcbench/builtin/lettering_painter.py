"""Painter of the data set ``lettering``: a text in one font, with colours, rotations and stray lines."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from ctcbench.builtin.glyph_shapes import Edges, Shape, draw_glyph, draw_shape
from ctcbench.builtin.seeded_secrets import uniform
from ctcbench.files.font_files import can_draw

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

    from ctcbench.builtin.seeded_secrets import Chance

Ink = Literal["black", "one", "each"]
Paper = Literal["white", "light"]
Colour = tuple[int, int, int]

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_LEAST_CONTRAST = 30  # levels of luminance between ink and paper; with fewer, a text is not legible
_DARKEST_PAPER = 200  # luminance
_SIZES = 0.35, 0.9  # smallest and largest font size, as shares of the height
_TIGHTEST = -0.05  # smallest gap between two characters, as a share of the font size
_LEAST_COLUMNS = 6  # of an image for each character, before margins shrink
_MARGINS = 0.1, 0.6  # smallest and largest margin at the left and at the right, as shares of the height


class Glyph(NamedTuple):
    """The ink of a character as a mask (mode L), and the distance of its centre above the baseline."""

    mask: Image
    rise: float


@dataclass(frozen=True)
class LetteringPainter:
    """Draws texts at a height, at most `width` columns wide; the arguments are options of the data set.

    Attributes:
        fonts: the font files; each image uses one of those that have a glyph for every character.
        alphabet: the characters, as a text.
        height: rows of an image.
        width: the greatest number of columns.
        ink: black, one random colour for each text, or one for each character.
        paper: white, or a random light colour.
        rotation: the largest rotation of a character, in degrees to either side.
        spacing: the largest gap between characters, as a multiple of the font size.
        lines: the largest number of stray lines.
        variety: how far the shapes of the letters differ from those of the font, 0 to 1.
        edges: whether letters that are rotated, slanted or stretched have smooth or jagged edges.
    """

    fonts: Sequence[Path]
    alphabet: str
    height: int
    width: int
    ink: Ink
    paper: Paper
    rotation: float
    spacing: float
    lines: int
    variety: float
    edges: Edges

    def paint(self, text: str, chance: Chance) -> Image:
        """Return the picture of `text` (mode RGB), a function of the state of `chance`."""
        from PIL import Image

        # The order of these draws is part of the data: another order would change every image of a seed.
        path = self._font(chance)
        size = self.height * uniform(chance, *_SIZES)
        gap = uniform(chance, _TIGHTEST, self.spacing)
        tilt = uniform(chance, 0, self.rotation)
        angles = [uniform(chance, -tilt, tilt) for _ in text]
        margins = self._margins(text, [self.height * uniform(chance, *_MARGINS) for _ in range(2)])
        paper = _WHITE if self.paper == "white" else _colour(chance, _DARKEST_PAPER, 255)
        colours = self._colours(text, paper, chance)
        shape = draw_shape(self.variety, chance, self.edges)
        glyphs, gap = self._fit(path, text, angles, shape, size, gap, sum(margins))

        columns = sum(glyph.mask.width for glyph in glyphs) + gap * (len(glyphs) - 1) + sum(margins)
        image = Image.new("RGB", (min(self.width, max(1, round(columns))), self.height), paper)
        above = max(glyph.rise + glyph.mask.height / 2 for glyph in glyphs)
        below = max(glyph.mask.height / 2 - glyph.rise for glyph in glyphs)
        baseline = above + uniform(chance, 0, max(0.0, self.height - above - below))
        left = margins[0]
        for glyph, colour in zip(glyphs, colours, strict=True):
            top = baseline - glyph.rise - glyph.mask.height / 2
            image.paste(colour, (round(left), round(top)), glyph.mask)
            left += glyph.mask.width + gap
        self._cross(image, colours[0] if self.ink == "one" else _BLACK, chance)
        return image

    def may_shrink_margins(self, longest: int) -> bool:
        """Return whether the margins of a text of `longest` characters may have to shrink."""
        return 2 * _MARGINS[1] * self.height > self.width - _LEAST_COLUMNS * longest

    def _margins(self, text: str, drawn: list[float]) -> list[float]:
        """Return the margins in columns; in a narrow image they leave some columns for each character."""
        room = max(0.0, self.width - _LEAST_COLUMNS * len(text))
        return drawn if sum(drawn) <= room else [margin * room / sum(drawn) for margin in drawn]

    def _font(self, chance: Chance) -> Path:
        # Tried when it is first drawn with: trying hundreds of fonts takes seconds, in every process.
        while not can_draw(path := chance.choice(self.fonts), self.alphabet):
            pass
        return path

    def _colours(self, text: str, paper: Colour, chance: Chance) -> list[Colour]:
        """Return the colour of each character."""
        if self.ink == "black":
            return [_BLACK] * len(text)
        lightest = _luminance(paper) - _LEAST_CONTRAST
        if self.ink == "one":
            return [_colour(chance, 0, lightest)] * len(text)
        return [_colour(chance, 0, lightest) for _ in text]

    def _fit(
        self,
        path: Path,
        text: str,
        angles: Sequence[float],
        shape: Shape,
        size: float,
        gap: float,
        margins: float,
    ) -> tuple[list[Glyph], float]:
        """Return the glyphs at the largest size up to `size` at which they fit, and the gap in columns.

        At the smallest size of a font, a text that is too long is cut off at the right.
        """
        # The extent of a rotated glyph is about proportional to its size, so this ends after a step or two.
        while True:
            points = max(1, int(size))
            font = _font(path, points)
            glyphs = [
                Glyph(*draw_glyph(font, c, angle, shape)) for c, angle in zip(text, angles, strict=True)
            ]
            columns = sum(glyph.mask.width for glyph in glyphs) + gap * size * (len(text) - 1) + margins
            above = max(glyph.rise + glyph.mask.height / 2 for glyph in glyphs)
            below = max(glyph.mask.height / 2 - glyph.rise for glyph in glyphs)
            excess = max(columns / self.width, (above + below) / self.height)
            if excess <= 1 or points == 1:
                return glyphs, gap * size
            size = min(size / excess, points - 0.5)

    def _cross(self, image: Image, colour: Colour, chance: Chance) -> None:
        """Draw up to `lines` straight lines, one row thick, between random points of the image."""
        from PIL import ImageDraw

        canvas = ImageDraw.Draw(image)
        for _ in range(chance.randbelow(self.lines + 1)):
            ends = [(chance.randbelow(image.width), chance.randbelow(image.height)) for _ in range(2)]
            canvas.line(ends, colour, 1)


@functools.lru_cache(maxsize=512)
def _font(path: Path, points: int) -> FreeTypeFont:
    from PIL import ImageFont

    # The basic layout: each character is drawn by itself, and Raqm would be another dependency of the pixels.
    return ImageFont.truetype(str(path), points, layout_engine=ImageFont.Layout.BASIC)


def _colour(chance: Chance, darkest: float, lightest: float) -> Colour:
    """Return a random colour with a luminance between two levels."""
    while True:
        colour = (chance.randbelow(256), chance.randbelow(256), chance.randbelow(256))
        if darkest <= _luminance(colour) <= lightest:
            return colour


def _luminance(colour: Colour) -> float:
    """Return the luminance of a colour, 0 to 255 (ITU-R BT.601, as Pillow converts to grey)."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue

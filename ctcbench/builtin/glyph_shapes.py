"""Shapes of glyphs that differ from those of their font: stretched, slanted, bold, hollow, rotated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from ctcbench.builtin.seeded_secrets import uniform

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling
    from PIL.ImageFont import FreeTypeFont

    from ctcbench.builtin.seeded_secrets import Chance

_STRETCH = math.log(1.6)  # largest factor of the width, and smallest, as a logarithm
_SLANTS = -0.15, 0.4  # columns to the right per row upwards; letters lean to the right more often
_STROKE = 0.06  # widest stroke that is added around a glyph, as a share of the font size
_BOLD, _HOLLOW = 0.3, 0.1  # shares of the texts
_JAGGED = 0.5  # share of the texts with ``edges=either``

Edges = Literal["smooth", "jagged", "either"]


class Shape(NamedTuple):
    """How the glyphs of a text differ from those of its font.

    Attributes:
        stretch: width over the width in the font.
        slant: columns to the right per row upwards.
        stroke: width of the line drawn around a glyph, as a share of the font size; 0: none.
        hollow: whether the line is all that remains.
        jagged: whether a glyph that is rotated, slanted or stretched takes the nearest pixel of the upright
            one, as programs do that don't interpolate.
    """

    stretch: float = 1.0
    slant: float = 0.0
    stroke: float = 0.0
    hollow: bool = False
    jagged: bool = False


AS_IN_FONT = Shape()


def draw_shape(variety: float, chance: Chance, edges: Edges = "smooth") -> Shape:
    """Return a random shape, further from the font with a larger `variety` (0: as in the font, to 1)."""
    # Drawn only where it is needed: the images of a seed are those from before this option.
    jagged = uniform(chance, 0, 1) < _JAGGED if edges == "either" else edges == "jagged"
    if not variety:
        return AS_IN_FONT._replace(jagged=jagged)
    stretch = math.exp(variety * uniform(chance, -_STRETCH, _STRETCH))
    slant = variety * uniform(chance, *_SLANTS)
    kind, stroke = uniform(chance, 0, 1), uniform(chance, 0.1, 1) * _STROKE
    hollow = kind < variety * _HOLLOW
    bold = hollow or kind < variety * (_HOLLOW + _BOLD)
    return Shape(stretch, slant, stroke if bold else 0.0, hollow, jagged)


def draw_glyph(font: FreeTypeFont, character: str, angle: float, shape: Shape) -> tuple[Image, float]:
    """Return the ink of a character and the height of its centre above the baseline.

    Args:
        font: the font at its size.
        character: the character.
        angle: rotation about the centre of the ink, in degrees, counter-clockwise.
        shape: how the glyph differs from that of the font.

    Returns:
        The ink as a mask (mode L), and rows from the baseline up to its centre before the rotation.
    """
    mask, middle = _draw(font, character, shape)
    if shape.stretch != 1 or shape.slant:
        mask = _transform(mask, angle, shape)
    elif angle:
        mask = mask.rotate(angle, _resampling(shape), expand=True)
    return mask, middle


def _draw(font: FreeTypeFont, character: str, shape: Shape) -> tuple[Image, float]:
    """Return the upright ink of a character and the height of its centre above the baseline."""
    from PIL import ImageChops

    stroke = max(1.0, shape.stroke * font.size) if shape.stroke else 0.0
    box = font.getbbox(character, anchor="ls", stroke_width=stroke)
    try:
        mask = _ink(font, character, box, stroke)
    except OSError:
        if not stroke:
            raise
        # FreeType cannot draw lines around glyphs of very many pieces, such as pixels or splashes.
        return _draw(font, character, AS_IN_FONT)
    if shape.hollow:
        mask = ImageChops.subtract(mask, _ink(font, character, box, 0.0))
    return mask, -(box[1] + box[3]) / 2


def _ink(font: FreeTypeFont, character: str, box: tuple[float, float, float, float], stroke: float) -> Image:
    """Return the ink of a character within a box (left, top, right, bottom), relative to its origin."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = box
    mask = Image.new("L", (max(1, int(right - left)), max(1, int(bottom - top))))
    ImageDraw.Draw(mask).text((-left, -top), character, 255, font, anchor="ls", stroke_width=stroke)
    return mask


def _transform(mask: Image, angle: float, shape: Shape) -> Image:
    """Return the mask stretched, slanted and rotated about its centre, in one resampling."""
    from PIL import Image

    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    # Columns to the right and rows downwards; first stretch, then slant, then rotation.
    a, b = cos * shape.stretch, sin - cos * shape.slant
    c, d = -sin * shape.stretch, cos + sin * shape.slant
    width = max(1, math.ceil(abs(a) * mask.width + abs(b) * mask.height))
    height = max(1, math.ceil(abs(c) * mask.width + abs(d) * mask.height))
    area = a * d - b * c
    # Pillow asks where each pixel comes from: the inverse, which maps centre to centre.
    inverse = d / area, -b / area, -c / area, a / area
    x = mask.width / 2 - inverse[0] * width / 2 - inverse[1] * height / 2
    y = mask.height / 2 - inverse[2] * width / 2 - inverse[3] * height / 2
    data = (inverse[0], inverse[1], x, inverse[2], inverse[3], y)
    return mask.transform((width, height), Image.Transform.AFFINE, data, _resampling(shape))


def _resampling(shape: Shape) -> Resampling:
    from PIL import Image

    return Image.Resampling.NEAREST if shape.jagged else Image.Resampling.BILINEAR

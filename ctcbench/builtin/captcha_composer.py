"""Composer: the images of the package captcha with the same pixels, drawn in a fraction of its time.

The package calls Pillow some two hundred times per image. The composer draws the same random numbers in
the same order, caches what does not depend on them (the shapes of the characters), and leaves the
arithmetic of each character to C++ (``csrc/captcha``). ``Painter`` checks that the pixels are equal.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ctcbench.decoding.extension_loading import load_extension

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.ImageFont import FreeTypeFont

    from ctcbench.builtin import _captcha_canvas
    from ctcbench.builtin.seeded_secrets import Chance
else:
    _captcha_canvas = load_extension("ctcbench.builtin", "_captcha_canvas")

_UNIT = 2.0**-32  # the package divides 32 random bits by 2**32; both are exact
_CACHED_PIXELS = 1 << 25  # 32 MiB of shapes; then the cache starts anew


class _Shape(NamedTuple):
    """A character in one font: its box's size, and its coverage without empty edges (none: no ink)."""

    width: int
    height: int
    coverage: NDArray[np.uint8] | None


# The arguments of ``Canvas.paint`` after ink and place: mask, cosine, sine, width, height, x1, y1, x2, y2.
_Pose: TypeAlias = "tuple[NDArray[np.uint8], float, float, int, int, int, int, int, int]"


class CaptchaComposer:
    """Draws the images that ``captcha.image.ImageCaptcha`` 0.7.1 of these arguments draws.

    Args:
        package: an ``ImageCaptcha``; its fonts, sizes and ranges are used.
        width: columns of an image.
        height: rows of an image.
        dots: whether the image has noise dots.
        curve: whether the image has a noise curve.
        channels: 1 for grey levels, 3 for colours.
    """

    def __init__(
        self, package: Any, width: int, height: int, *, dots: bool, curve: bool, channels: int = 1
    ) -> None:
        self._width, self._height = width, height
        self._order = _order_of_pillow()
        self._fonts: list[FreeTypeFont] = package.truefonts
        self._dots, self._curve = dots, curve
        self._channels = channels
        self._bearings: dict[tuple[int, str], tuple[int, int]] = {}
        self._shapes: dict[tuple[int, str, int, int], _Shape] = {}
        self._cached_pixels = 0
        self._least_angle, most_angle = package.character_rotate
        self._angles = most_angle - self._least_angle
        self._shift_dx, self._shift_dy = package.character_offset_dx, package.character_offset_dy
        self._warp_dx, self._warp_dy = package.character_warp_dx, package.character_warp_dy
        self._space_probability = package.word_space_probability
        self._overlap = package.word_offset_dx

    def compose(self, text: str, chance: Chance) -> NDArray[np.uint8]:
        """Return the image of `text`, uint8 (H, W) or (3, H, W), a function of the state of `chance`."""
        below, bits = chance.randbelow, chance.randbits
        background = _colour(chance, 238, 255) << 8 | 255
        opacity = below(36) + 220
        ink = _colour(chance, 10, 200) << 8 | opacity

        # The package draws the numbers of every character before it pastes the first one.
        characters: list[tuple[int, _Pose | None]] = []
        for character in text:
            if bits(32) * _UNIT > self._space_probability:
                characters.append(self._pose(" ", chance))
            characters.append(self._pose(character, chance))
        text_width = sum(width for width, _ in characters)
        canvas = _captcha_canvas.Canvas(max(text_width, self._width), self._height, background, self._order)
        average = int(text_width / len(text))
        overlap = int(self._overlap * average) + 1
        left = int(average * 0.1)
        for width, pose in characters:
            if pose is not None:
                canvas.paint(ink, left, *pose)
            left += width - below(overlap)
        return canvas.finish(self._width, self._noise(chance), ink, self._channels)

    def _pose(self, character: str, chance: Chance) -> tuple[int, _Pose | None]:
        """Draw the numbers of one character; return its width and the arguments of ``Canvas.paint``."""
        bits = chance.randbits
        font = chance.randbelow(len(self._fonts))
        dx = chance.randbelow(self._shift_dx[1] - self._shift_dx[0] + 1) + self._shift_dx[0]
        dy = chance.randbelow(self._shift_dy[1] - self._shift_dy[0] + 1) + self._shift_dy[0]
        shape = self._shape(font, character, dx, dy)
        width, height = shape.width, shape.height
        angle = self._least_angle + bits(32) * _UNIT * self._angles
        reach_x = width * (bits(32) * _UNIT) * (self._warp_dx[1] - self._warp_dx[0]) + self._warp_dx[0]
        reach_y = height * (bits(32) * _UNIT) * (self._warp_dy[1] - self._warp_dy[0]) + self._warp_dy[0]
        x1 = int(bits(32) * _UNIT * (reach_x + reach_x) - reach_x)
        y1 = int(bits(32) * _UNIT * (reach_y + reach_y) - reach_y)
        x2 = int(bits(32) * _UNIT * (reach_x + reach_x) - reach_x)
        y2 = int(bits(32) * _UNIT * (reach_y + reach_y) - reach_y)
        # Nothing of a space shows, but its numbers are drawn and it takes room.
        if shape.coverage is None:
            return width, None
        # Pillow rounds the matrix of a rotation to 15 decimals.
        radians = -math.radians(angle % 360.0)
        cosine, sine = round(math.cos(radians), 15), round(math.sin(radians), 15)
        return width, (shape.coverage, cosine, sine, width, height, x1, y1, x2, y2)

    def _shape(self, font: int, character: str, dx: int, dy: int) -> _Shape:
        """Return the shape of a character that is drawn at (dx, dy)."""
        bearing = self._bearings.get((font, character))
        if bearing is None:
            bearing = self._fonts[font].getmask2(character, "L")[1]
            self._bearings[font, character] = bearing
        # A character that begins left of its origin, or above, may be cut at the edge of its image.
        key = (font, character, min(bearing[0] + dx, 0), min(bearing[1] + dy, 0))
        shape = self._shapes.get(key)
        if shape is None:
            shape = _draw_shape(self._fonts[font], character, dx, dy)
            self._cached_pixels += 0 if shape.coverage is None else shape.coverage.size
            if self._cached_pixels > _CACHED_PIXELS:
                self._shapes, self._cached_pixels = {}, 0
            self._shapes[key] = shape
        return shape

    def _noise(self, chance: Chance) -> bytes:
        """Return the coverage of the noise, one byte per pixel."""
        from PIL import Image, ImageDraw

        width, height = self._width, self._height
        below = chance.randbelow
        image = Image.new("L", (width, height))
        draw = ImageDraw.Draw(image)
        if self._dots:
            for _ in range(30):
                x, y = below(width + 1), below(height + 1)
                draw.line(((x, y), (x - 1, y - 1)), fill=1, width=3)
        if self._curve:
            fifth_x, fifth_y = int(width / 5), int(height / 5)
            x1 = below(fifth_x + 1)
            x2 = below(width - fifth_x + 1) + fifth_x
            y1 = below(height - 2 * fifth_y + 1) + fifth_y
            y2 = below(height - y1 - fifth_y + 1) + y1
            end, start = below(41) + 160, below(21)
            draw.arc([x1, y1, x2, y2], start, end, fill=1)
        return image.tobytes()


@functools.cache
def _order_of_pillow() -> _captcha_canvas.Order:
    """Return which axis this version of Pillow resizes first, by what it makes of an image."""
    from PIL import Image

    # Height shrinks by more than twice as much as width, so the two rules differ; so do the pixels.
    image = Image.frombytes("L", (24, 40), bytes(i * i * 37 % 251 for i in range(24 * 40)))
    resized = image.resize((21, 17), Image.Resampling.BICUBIC)
    columns_first = image.resize((24, 17), Image.Resampling.BICUBIC).resize(
        (21, 17), Image.Resampling.BICUBIC
    )
    if resized.tobytes() == columns_first.tobytes():
        return _captcha_canvas.Order.columns_first_if_flatter
    return _captcha_canvas.Order.rows_first


def _colour(chance: Chance, least: int, most: int) -> int:
    """Return a random colour, 0xRRGGBB."""
    red, green, blue = (chance.randbelow(most - least + 1) + least for _ in range(3))
    return red << 16 | green << 8 | blue


def _draw_shape(font: FreeTypeFont, character: str, dx: int, dy: int) -> _Shape:
    import numpy as np
    from PIL import Image, ImageDraw

    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((1, 1), character, font=font)
    width, height = int(box[2]), int(box[3])
    image = Image.new("L", (width + dx, height + dy))
    ImageDraw.Draw(image).text((dx, dy), character, font=font, fill=255)
    ink = image.getbbox()
    return _Shape(width, height, None if ink is None else np.array(image.crop(ink)))

"""Shapes of glyphs: as in the font without variety, stretched, slanted, bold and hollow with it."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from captcha.image import DEFAULT_FONTS
from PIL import ImageFont

from ctcbench.builtin.glyph_shapes import AS_IN_FONT, Shape, draw_glyph, draw_shape
from ctcbench.builtin.lettering import lettering
from ctcbench.builtin.seeded_secrets import Chance

FONT = ImageFont.truetype(DEFAULT_FONTS[0], 60)


def ink(character: str, angle: float = 0.0, shape: Shape = AS_IN_FONT) -> np.ndarray:
    return np.asarray(draw_glyph(FONT, character, angle, shape)[0], dtype=np.float64)


def centre(rows: np.ndarray) -> float:
    """Return the mean column of the ink."""
    return float((rows.sum(axis=0) * np.arange(rows.shape[1])).sum() / rows.sum())


def test_without_variety_the_shape_is_that_of_the_font_and_no_random_number_is_drawn():
    used, fresh = Chance(7), Chance(7)
    assert draw_shape(0.0, used) == AS_IN_FONT
    assert used.randbelow(2**30) == fresh.randbelow(2**30)


def test_shapes_stay_within_their_limits_and_come_in_all_kinds():
    shapes = [draw_shape(1.0, Chance(seed)) for seed in range(400)]
    assert all(0.62 < shape.stretch < 1.61 and -0.16 < shape.slant < 0.41 for shape in shapes)
    assert all(not shape.hollow or shape.stroke for shape in shapes)
    hollow, bold = sum(s.hollow for s in shapes), sum(bool(s.stroke) and not s.hollow for s in shapes)
    assert 20 < hollow < 70
    assert 80 < bold < 170
    weak = [draw_shape(0.1, Chance(seed)) for seed in range(400)]
    assert all(0.95 < shape.stretch < 1.05 and -0.02 < shape.slant < 0.05 for shape in weak)


def test_half_of_the_texts_have_jagged_edges_with_either_and_their_shapes_are_as_usual():
    shapes = [draw_shape(1.0, Chance(seed), "either") for seed in range(400)]
    assert 150 < sum(shape.jagged for shape in shapes) < 250
    assert len({shape.stretch for shape in shapes}) > 390
    assert draw_shape(0.0, Chance(1), "jagged") == Shape(jagged=True)
    smooth, jagged = (draw_shape(1.0, Chance(3), edges) for edges in ("smooth", "jagged"))
    assert jagged == smooth._replace(jagged=True)


@pytest.mark.parametrize("shape", [Shape(), Shape(slant=0.3, stretch=1.2)], ids=["rotated", "and slanted"])
def test_jagged_edges_have_no_levels_that_the_upright_glyph_lacks(shape):
    upright = np.asarray(draw_glyph(FONT, "H", 0.0, AS_IN_FONT)[0])
    smooth, jagged = (
        np.asarray(draw_glyph(FONT, "H", 25.0, shape._replace(jagged=edge))[0]) for edge in (False, True)
    )
    assert smooth.shape == jagged.shape
    assert set(np.unique(jagged)) <= set(np.unique(upright)) | {0}
    between = [((image > 0) & (image < 255)).mean() for image in (smooth, jagged)]
    assert between[1] < 0.7 * between[0]


def test_a_stretched_glyph_is_wider_and_as_high():
    plain, wide = ink("H"), ink("H", shape=Shape(stretch=1.5))
    assert wide.shape[1] == pytest.approx(1.5 * plain.shape[1], abs=1)
    assert wide.shape[0] == pytest.approx(plain.shape[0], abs=1)
    assert wide.sum() == pytest.approx(1.5 * plain.sum(), rel=0.05)


def test_a_slanted_glyph_leans_to_the_right_and_keeps_its_ink():
    plain, slanted = ink("H"), ink("H", shape=Shape(slant=0.4))
    third = len(plain) // 3
    lean = [centre(rows[:third]) - centre(rows[-third:]) for rows in (plain, slanted)]
    assert lean[1] - lean[0] == pytest.approx(0.4 * 2 * third, rel=0.15)
    assert slanted.sum() == pytest.approx(plain.sum(), rel=0.05)


def test_a_slanted_glyph_rotates_counter_clockwise_like_a_plain_one():
    barely = ink("L", 30, Shape(slant=1e-9))
    plain = ink("L", 30)
    assert abs(barely.shape[0] - plain.shape[0]) <= 2
    assert abs(barely.shape[1] - plain.shape[1]) <= 2
    assert centre(barely) / barely.shape[1] == pytest.approx(centre(plain) / plain.shape[1], abs=0.03)


def test_a_bold_glyph_has_more_ink_and_a_hollow_one_none_in_the_strokes():
    plain, bold, hollow = (
        ink("I"),
        ink("I", shape=Shape(stroke=0.05)),
        ink("I", shape=Shape(1, 0, 0.05, True)),
    )
    assert bold.sum() > 1.2 * plain.sum()
    assert hollow.shape == bold.shape
    assert bold[len(bold) // 2].max() == 255
    assert hollow[len(hollow) // 2, hollow.shape[1] // 2] == 0
    assert 0 < hollow.sum() < bold.sum()


def test_a_glyph_around_which_no_line_can_be_drawn_stays_plain(monkeypatch):
    draw = ImageFont.FreeTypeFont.getmask2

    def refuse(*arguments, **options):
        if inspect.signature(draw).bind(*arguments, **options).arguments.get("stroke_width"):
            raise OSError("array allocation size too large")
        return draw(*arguments, **options)

    monkeypatch.setattr(ImageFont.FreeTypeFont, "getmask2", refuse)
    assert (ink("A", shape=Shape(1, 0, 0.05, True)) == ink("A")).all()


def test_variety_is_part_of_the_set_and_keeps_the_texts():
    plain, varied = lettering(), lettering(variety=0.5)
    assert plain.fingerprint("train") != varied.fingerprint("train")
    assert plain.draw("train", 3).text == varied.draw("train", 3).text
    assert plain.fingerprint("train") == lettering(variety=0.0).fingerprint("train")

"""The composer of captchas: the pixels of the package captcha, which stays the slow reference."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import captcha.image
import numpy as np
import pytest

from ctcbench.builtin import _captcha_canvas, captcha_composer
from ctcbench.builtin.captcha_composer import CaptchaComposer
from ctcbench.builtin.captcha_painter import Painter
from ctcbench.builtin.seeded_secrets import Chance

STOCK = captcha.image.DEFAULT_FONTS[0]
# Italic letters reach left of their origin, where the edge of the package's small images cuts them.
ITALIC = Path("/usr/share/fonts/truetype/liberation/LiberationSerif-BoldItalic.ttf")
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def assert_same_as_package(painter, text, seed):
    ours, theirs = Chance(seed), Chance(seed)
    composed = painter._composer.compose(text, ours)
    np.testing.assert_array_equal(composed, painter.paint_with_package(text, theirs))
    assert ours.randbits(32) == theirs.randbits(32), "a different number of random numbers was drawn"


def random_painter(choose):
    height = choose.randrange(16, 90)
    sizes = tuple(choose.randrange(4, height + 30) for _ in range(choose.randrange(1, 4)))
    fonts = choose.sample([STOCK, str(ITALIC)] if ITALIC.exists() else [STOCK], 1)
    noise = choose.choice(["both", "dots", "curve", "none"])
    width, channels = choose.randrange(16, 300), choose.choice([1, 3])
    return Painter(width, height, tuple(fonts), sizes, noise, channels)


def compare_random_images(images, per_painter, seed):
    choose = random.Random(seed)
    for _ in range(images // per_painter):
        painter = random_painter(choose)
        for _ in range(per_painter):
            text = "".join(choose.choices(CHARACTERS + "éß&%.,-|_", k=choose.randrange(1, 10)))
            assert_same_as_package(painter, text, choose.getrandbits(64))


def test_the_pixels_are_those_of_the_package():
    painter = Painter(150, 40, (), (28, 33, 37), "both")
    choose = random.Random(0)
    for seed in range(200):
        assert_same_as_package(painter, "".join(choose.choices(CHARACTERS, k=5)), seed)


def test_the_pixels_are_those_of_the_package_for_any_options():
    compare_random_images(images=300, per_painter=5, seed=1)


@pytest.mark.slow
def test_twenty_thousand_images_are_those_of_the_package():
    compare_random_images(images=10_000, per_painter=10, seed=2)
    painter = Painter(150, 40, (), (28, 33, 37), "both")
    choose = random.Random(3)
    for seed in range(10_000):
        assert_same_as_package(painter, "".join(choose.choices(CHARACTERS, k=5)), seed)


@pytest.mark.skipif(not ITALIC.exists(), reason="needs apt-get install fonts-liberation")
def test_characters_that_reach_left_of_their_origin_are_cut_as_in_the_package():
    painter = Painter(150, 60, (str(ITALIC),), (40, 56), "none")
    assert min(font.getmask2("j", "L")[1][0] for font in painter._composer._fonts) < 0
    for seed in range(60):
        assert_same_as_package(painter, "jfjf", seed)


def test_characters_without_ink_take_room_alone():
    painter = Painter(150, 40, (), (28,), "none")
    for seed in range(10):
        assert_same_as_package(painter, "a a", seed)


def test_an_angle_of_zero_is_no_rotation():
    class NoAngle(Chance):
        def __init__(self, seed):
            super().__init__(seed)
            draw = self.randbits
            # Half of the range of 32 bits is the angle 0.
            self.randbits = lambda k: (draw(k), 1 << 31)[1] if k == 32 else draw(k)

    painter = Painter(150, 40, (), (28, 37), "none")
    np.testing.assert_array_equal(
        painter._composer.compose("aB3", NoAngle(5)), painter.paint_with_package("aB3", NoAngle(5))
    )


def test_a_full_cache_of_shapes_starts_anew(monkeypatch):
    monkeypatch.setattr(captcha_composer, "_CACHED_PIXELS", 2000)
    painter = Painter(150, 40, (), (28, 33, 37), "both")
    for seed in range(20):
        assert_same_as_package(painter, CHARACTERS[seed : seed + 5], seed)
        shapes = painter._composer._shapes.values()
        assert sum(shape.coverage.size for shape in shapes if shape.coverage is not None) <= 2000 + 40 * 40


def test_other_pixels_than_the_packages_are_drawn_by_the_package_with_a_warning(monkeypatch):
    painter = Painter(150, 40, (), (28,), "both")
    compose = CaptchaComposer.compose
    monkeypatch.setattr(CaptchaComposer, "compose", lambda *arguments: compose(*arguments) ^ 1)
    with pytest.warns(RuntimeWarning, match=r"captcha 0\.7\..* with pillow .* the package draws them itself"):
        image = painter.paint("a", Chance(1))
    np.testing.assert_array_equal(image, painter.paint_with_package("a", Chance(1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": np.zeros(3, np.uint8)}, r"mask must be \(H, W\)"),
        ({"mask": np.zeros((0, 3), np.uint8)}, r"mask must be \(H, W\)"),
        ({"width": 0}, r"a size must lie in \[1, 1048576\]"),
        ({"height": 1 << 21}, r"a size must lie in \[1, 1048576\]"),
        ({"x1": 1 << 20}, "a corner is shifted too far"),
        ({"left": 2**31 - 1}, "left is too far"),
        ({"cosine": float("nan")}, "of a rotation"),
        ({"sine": 1e9}, "of a rotation"),
    ],
)
def test_invalid_arguments_of_the_canvas(change, message):
    canvas = _captcha_canvas.Canvas(20, 10, 0xFFFFFFFF, _captcha_canvas.Order.rows_first)
    arguments = {"mask": np.full((3, 3), 255, np.uint8), "ink": 0xFF, "cosine": 1.0, "sine": 0.0}
    arguments |= {"width": 3, "height": 3, "x1": 0, "y1": 0, "x2": 0, "y2": 0, "left": 0}
    with pytest.raises(ValueError, match=message):
        canvas.paint(**arguments | change)
    with pytest.raises(ValueError, match="a byte per pixel"):
        canvas.finish(20, b"", 0)
    canvas.paint(**arguments | {"left": -1000})
    canvas.paint(**arguments | {"left": 1000})
    assert (canvas.finish(20, bytes(200), 0) == 255).all()


@pytest.mark.landing
def test_the_canvas_under_sanitizers_and_strict_warnings(tmp_path):
    compiler = shutil.which("c++") or pytest.skip("no C++ compiler")
    csrc = Path(__file__).parents[2] / "csrc"
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]
    sanitizers = ["-O1", "-g1", "-ffp-contract=off", "-fsanitize=address,undefined"]
    sources = [csrc / "captcha/raster.cpp", csrc / "captcha/glyph.cpp", csrc / "tests/captcha_test.cpp"]
    program = tmp_path / "captcha_test"
    command = [compiler, *strict, *sanitizers, "-fno-sanitize-recover=all", f"-I{csrc}", *sources]
    subprocess.run([*command, "-o", program], check=True)
    assert subprocess.run([program], check=True, capture_output=True, text=True).stdout == "all passed\n"

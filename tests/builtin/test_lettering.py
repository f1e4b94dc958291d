"""The lettering data set: a function of options, split and index; what the options change; bad options."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from captcha.image import DEFAULT_FONTS
from PIL import Image

from ctcbench.builtin.lettering import lettering
from ctcbench.builtin.seeded_secrets import Chance
from ctcbench.contract.errors import UsageError
from ctcbench.files.font_files import can_draw, font_digest, list_fonts

PRINT_DIGEST = """
import hashlib
from ctcbench.builtin.lettering import lettering
samples = [lettering(channels=3).draw("train", i) for i in (5, 2)]
print(hashlib.sha256(b"".join(s.image.tobytes() + s.text.encode() for s in samples)).hexdigest())
"""
FONT = DEFAULT_FONTS[0]


def same(a, b) -> bool:
    return a.text == b.text and a.image.shape == b.image.shape and (a.image == b.image).all()


def test_a_sample_depends_only_on_options_split_and_index():
    forward = [lettering(channels=3).draw("train", i) for i in range(6)]
    backward = [lettering(channels=3).draw("train", i) for i in reversed(range(6))][::-1]
    assert all(map(same, forward, backward))
    assert not same(forward[0], lettering(channels=3).draw("test", 0))
    assert not same(forward[0], lettering(channels=3, seed=1).draw("train", 0))
    own = hashlib.sha256(b"".join(forward[i].image.tobytes() + forward[i].text.encode() for i in (5, 2)))
    other = subprocess.run([sys.executable, "-c", PRINT_DIGEST], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == own.hexdigest()


def test_images_have_the_size_of_the_spec_and_contain_ink():
    source = lettering(height=32, length="1-9")
    assert (source.image.height, source.image.width, source.image.channels) == (32, 320, 1)
    widths = set()
    for i in range(20):
        sample = source.draw("val", i)
        assert sample.image.shape == (32, 320)
        assert sample.image.dtype == np.uint8
        assert 1 <= len(sample.text) <= 9
        assert (sample.image[:, : sample.width] < 200).any()
        assert (sample.image[:, sample.width :] == 255).all()
        widths.add(sample.width)
    assert len(widths) > 10


def test_long_texts_are_made_smaller_until_they_fit():
    source = lettering(height=32, width=100, length="9", lines=0, ink="black", spacing=0)
    for i in range(5):
        columns = (source.draw("train", i).image < 128).any(0)
        assert columns[:90].any()
        assert not columns[98:].any()


def test_case_one_has_texts_of_one_case():
    texts = [lettering(case="one").draw("train", i).text for i in range(40)]
    assert all(text == text.upper() or text == text.lower() for text in texts)
    assert any(text != text.lower() for text in texts)
    assert any(text != text.upper() for text in texts)
    mixed = [lettering().draw("train", i).text for i in range(40)]
    assert any(text not in (text.upper(), text.lower()) for text in mixed)


def test_case_one_with_an_alphabet_of_one_case():
    texts = [lettering(case="one", alphabet="lower").draw("train", i).text for i in range(20)]
    assert all(texts)


@pytest.mark.parametrize(("ink", "colours"), [("black", 1), ("one", 1), ("each", 4)])
def test_ink(ink, colours):
    painter = lettering(height=80, ink=ink, lines=0, rotation=0).painter
    shown, counts = np.unique(painted(painter, "HHHH").reshape(-1, 3), axis=0, return_counts=True)
    is_ink = (shown != 255).any(1)
    # Mixtures with the paper at the edges of strokes cover fewer pixels than the strokes.
    strokes = shown[is_ink & (counts > counts[is_ink].max() / 2)]
    assert len(strokes) == colours
    assert ink != "black" or not strokes.any()


def painted(painter, text):
    return np.asarray(painter.paint(text, Chance(3)))


def test_lines_cross_the_text():
    plain, crossed = lettering(lines=0, ink="black"), lettering(lines=40, ink="black")
    dark = [np.mean([source.draw("train", i).image < 100 for i in range(5)]) for source in (plain, crossed)]
    assert dark[1] > 1.5 * dark[0]


def test_light_paper_keeps_the_text_legible():
    source = lettering(paper="light", channels=1, lines=0)
    image = painted(source.painter, "M") @ [0.299, 0.587, 0.114]
    assert image.max() < 254
    assert image.max() - image.min() >= 25


@pytest.mark.parametrize("width", [40, 24, 16])
def test_the_margins_of_a_narrow_image_leave_room_for_the_text(width):
    source = lettering(height=40, width=width, length="1", lines=0, ink="black", rotation=0)
    rows = [int((source.draw("train", index).image < 200).any(1).sum()) for index in range(100)]
    assert min(rows) >= 2 and sorted(rows)[10] >= 5
    assert "shrink" in source.fingerprint("train")
    # Sets with room for every margin are drawn as before.
    assert "shrink" not in lettering().fingerprint("train")


def test_a_height_for_drawing_is_scaled_to_the_height_of_the_image():
    assert lettering(height=1024, width=60, draw_height=16, length="1").draw("train", 0).image.shape[1] == 60
    source = lettering(height=40, draw_height=80)
    assert source.painter.height == 80
    assert source.draw("train", 0).image.shape == (40, 400)


def test_fonts_in_folders_are_found_and_unusable_ones_are_not_used(tmp_path):
    folder = tmp_path / "fonts"
    (folder / "inside").mkdir(parents=True)
    shutil.copy(FONT, folder / "inside" / "good.ttf")
    (folder / "broken.ttf").write_bytes(b"no font")
    (folder / ".hidden.ttf").write_bytes(b"no font")
    (folder / "readme.txt").write_text("no font")
    assert [file.name for file in list_fonts([str(folder)], "")] == ["broken.ttf", "good.ttf"]
    assert [can_draw(file, "abc") for file in list_fonts([str(folder)], "")] == [False, True]
    source = lettering(fonts=(str(folder),))
    assert all(source.draw("train", i).text for i in range(10))


def test_the_fingerprint_follows_the_font_and_not_its_path(tmp_path):
    shutil.copy(FONT, tmp_path / "a.ttf")
    shutil.copy(FONT, tmp_path / "b.ttf")
    prints = [lettering(fonts=(str(tmp_path / name),)).fingerprint("train") for name in ("a.ttf", "b.ttf")]
    assert prints[0] == prints[1]
    assert json.loads(prints[0])["fonts"]
    (tmp_path / "b.ttf").write_bytes((tmp_path / "b.ttf").read_bytes() + b"\0")
    font_digest.cache_clear()
    assert lettering(fonts=(str(tmp_path / "b.ttf"),)).fingerprint("train") != prints[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fonts": ("/nowhere/a.ttf",)}, "fonts=/nowhere/a.ttf: no such file"),
        ({"alphabet": "ab "}, "leaves no mark"),
        ({"alphabet": "漢字"}, "none of 1 font(s) has a glyph"),
        ({"length": "8-4"}, "did you mean 4-8"),
        ({"length": "x"}, "allowed is a number or a range"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(UsageError, match=None) as error:
        lettering(**options)
    assert message in str(error.value)
    assert "dataset lettering" in str(error.value)


def test_a_folder_without_fonts(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "picture.png")
    with pytest.raises(UsageError, match=r"no fonts in it \(\.ttf, \.otf"):
        lettering(fonts=(str(tmp_path),))

"""read_picture(): every kind of picture becomes the same grey levels at the requested size."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pictures import read_picture

SPEC = ImageSpec(8, 16)


def half(mode: str, dark, light) -> Image.Image:
    """A picture of 16 × 8: its left half dark, its right half light."""
    image = Image.new(mode, (16, 8), light)
    image.paste(dark, (0, 0, 8, 8))
    return image


def palette(transparent: bool) -> Image.Image:
    image = Image.new("P", (16, 8), 1)
    image.putpalette([0, 0, 0, 255, 255, 255, 9, 9, 9])
    image.paste(0, (0, 0, 8, 8))
    if transparent:
        image.paste(2, (8, 0, 16, 8))
        image.info["transparency"] = 2
    return image


def levels(dtype, dark, light) -> Image.Image:
    values = np.full((8, 16), light, dtype)
    values[:, :8] = dark
    return Image.fromarray(values)


PICTURES = {
    "1": half("1", 0, 1),
    "L": half("L", 0, 255),
    "LA": half("LA", (0, 255), (0, 0)),
    "La": half("LA", (0, 255), (0, 0)).convert("La"),
    "P": palette(transparent=False),
    "P transparent": palette(transparent=True),
    "PA": half("PA", (0, 255), (0, 0)),
    "RGB": half("RGB", (0, 0, 0), (255, 255, 255)),
    "RGBA": half("RGBA", (0, 0, 0, 255), (0, 0, 0, 0)),
    "RGBa": half("RGBA", (0, 0, 0, 255), (0, 0, 0, 0)).convert("RGBa"),
    "RGBX": half("RGBX", (0, 0, 0, 0), (255, 255, 255, 0)),
    "CMYK": half("CMYK", (0, 0, 0, 255), (0, 0, 0, 0)),
    "YCbCr": half("YCbCr", (0, 128, 128), (255, 128, 128)),
    "HSV": half("HSV", (0, 0, 0), (0, 0, 255)),
    "LAB": half("LAB", (0, 0, 0), (255, 0, 0)),
    "I;16": levels(np.uint16, 0, 65535),
    "I;16B": Image.frombytes("I;16B", (16, 8), (bytes(16) + b"\xff" * 16) * 8),
    "I": levels(np.int32, 0, 65535),
    "I of 31 bits": levels(np.int32, 0, 2**31 - 1),
    "F of 0 to 1": levels(np.float32, 0, 1),
    "F of 0 to 255": levels(np.float32, -0.1, 255),
}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_is_converted(kind, channels):
    expected = np.repeat([[0, 255]], 8, axis=0).repeat(8, axis=1)
    sample = read_picture(PICTURES[kind], ImageSpec(8, 16, channels))
    assert sample.image.shape == ((8, 16) if channels == 1 else (3, 8, 16))
    assert sample.image.dtype == np.uint8
    assert np.abs(sample.image.astype(int) - expected).max() <= 1
    assert (sample.text, sample.width) == ("", 16)


def test_sixteen_bit_levels_are_scaled():
    ramp = np.linspace(0, 65535, 16, dtype=np.uint16)[None].repeat(8, axis=0)
    expected = np.rint(ramp / 257)
    assert (read_picture(Image.fromarray(ramp), SPEC).image == expected).all()
    assert (read_picture(ramp, SPEC).image == expected).all()


def test_half_transparent_black_is_grey():
    assert (
        abs(int(read_picture(Image.new("RGBA", (1, 1), (0, 0, 0, 128)), ImageSpec(1, 1)).image[0, 0]) - 127)
        <= 1
    )


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        *[("1", "png"), ("L", "jpg"), ("L", "bmp"), ("L", "pgm"), ("LA", "png"), ("P transparent", "png")],
        *[("P transparent", "gif"), ("RGBA", "png"), ("RGBA", "webp"), ("RGBA", "tiff"), ("CMYK", "jpg")],
        *[("RGB", "jpg"), ("I;16", "png"), ("I;16", "tiff"), ("F of 0 to 1", "tiff"), ("I", "tiff")],
    ],
)
def test_files_of_every_format_are_read(tmp_path, kind, suffix):
    path = tmp_path / f"picture.{suffix}"
    PICTURES[kind].save(path)
    for given in (path, str(path)):
        image = read_picture(given, SPEC).image
        assert image[:, :7].max() <= 12
        assert image[:, 9:].min() >= 243


def test_a_transparent_sixteen_bit_level_is_white(tmp_path):
    PICTURES["I;16"].save(tmp_path / "p.png", transparency=0)
    image = Image.open(tmp_path / "p.png")
    assert image.info["transparency"] == 0
    assert (read_picture(image, SPEC).image == 255).all()


def test_the_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated clockwise: the left half becomes the upper one
    half("L", 0, 255).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    image = read_picture(tmp_path / "turned.jpg", ImageSpec(16, 8)).image
    assert image[:7].max() < 20
    assert image[9:].min() > 235


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    black, white = Image.new("L", (16, 8), 0), Image.new("L", (16, 8), 255)
    black.save(tmp_path / "a.gif", save_all=True, append_images=[white])
    assert read_picture(tmp_path / "a.gif", SPEC).image.max() == 0


@pytest.mark.parametrize(
    ("size", "columns", "rows"),
    [
        *[((16, 8), 16, 8), ((8, 8), 8, 8), ((32, 32), 8, 8), ((4, 2), 16, 8), ((64, 8), 16, 2)],
        *[((1, 800), 1, 8), ((32, 1), 16, 1)],
    ],
)
def test_pad_keeps_the_aspect_ratio(size, columns, rows):
    sample = read_picture(Image.new("L", size, 0), SPEC, "pad")
    assert sample.image.shape == (8, 16)
    assert sample.width == columns
    assert (sample.image[:, columns:] == 255).all()
    dark = sample.image[:, :columns] == 0
    assert dark.all(axis=1).sum() == rows
    assert abs(int(np.flatnonzero(dark.all(axis=1)).mean() * 2) - 7) <= 1  # in the middle
    assert read_picture(Image.new("L", size, 0), SPEC, "stretch").image.max() == 0


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((8, 16), bool),
        np.zeros((8, 16, 1), np.uint8),
        np.full((8, 16, 2), (0, 255), np.uint8),
        np.zeros((8, 16, 3), np.float64),
        np.full((8, 16, 4), (0, 0, 0, 65535), np.uint16),
        np.zeros((1, 8, 16), np.uint8),
        np.zeros((3, 8, 16), np.float32),
    ],
)
def test_arrays_of_every_shape_and_type(array):
    assert (read_picture(array, SPEC).image == 0).all()


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((2, 3, 4, 5), np.uint8), "not a picture"),
        (np.zeros(7, np.uint8), "not a picture"),
        (np.zeros((5, 9, 7), np.uint8), "not a picture"),
        (np.zeros((0, 4), np.uint8), "no pixels"),
        (np.array([[np.nan]]), "not a number"),
        (np.array([[np.inf]]), "infinite"),
        (np.array([["a"]]), "not levels"),
        (np.array([[1j]]), "not levels"),
        ([[0], [0, 1]], "can't be read as an array"),
        (type("Broken", (), {"__array__": lambda self, *_, **__: 1 / 0})(), "can't be read as an array"),
    ],
)
def test_arrays_that_are_no_pictures_are_errors(array, reason):
    with pytest.raises(BadSample, match=reason):
        read_picture(array, SPEC)


@pytest.mark.parametrize("bits", [8, 12, 14])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_sixteen_bit_colours_without_high_bytes_are_refused(mode, bits):
    # Pillow writes no such file: a PNG by hand, of one row.
    levels = np.full((1, 16, len(mode)), 2**bits - 1, ">u2")
    levels[:, :8, :3] = 0
    levels[..., 3:] = 65535
    content = png_of(levels, colour_type=2 if mode == "RGB" else 6)
    with pytest.raises(BadSample, match=f"no level above {2**bits - 1 | 255} of 65535.*convert it to 8 bits"):
        read_picture(content, SPEC)
    full = np.where(levels == 2**bits - 1, 65535, levels).astype(">u2")
    image = read_picture(png_of(full, colour_type=2 if mode == "RGB" else 6), SPEC).image
    assert image[:, :7].max() <= 12 and image[:, 9:].min() >= 243


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("colour_type", [4, 6])
def test_black_text_on_a_transparent_ground_of_16_bits_is_read(colour_type, channels):
    levels = np.zeros((1, 16, 2 if colour_type == 4 else 4), ">u2")
    levels[:, :8, -1] = 65535
    image = read_picture(png_of(levels, colour_type), ImageSpec(1, 16, channels)).image
    assert image[..., :8].max() == 0 and image[..., 8:].min() == 255
    # Opaque, it is refused.
    levels[..., -1] = 65535
    with pytest.raises(BadSample, match="no level above 255 of 65535"):
        read_picture(png_of(levels, colour_type), SPEC)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("kind", ["L", "I;16", "I;16 of 12 bits", "F"])
def test_tiff_files_in_which_white_is_zero_are_no_negatives(tmp_path, kind, compression):
    whites = {"L": (np.uint8, 255), "I;16 of 12 bits": (np.uint16, 4095), "F": (np.float32, 1)}
    dtype, white = whites.get(kind, (np.uint16, 65535))
    ramp = np.linspace(0, white, 16, dtype=np.float64).astype(dtype)[None].repeat(8, 0)
    written = io.BytesIO()
    Image.fromarray(ramp).save(written, "TIFF", compression=compression, tiffinfo={274: 3})
    # Pillow writes no such file: the tag 262 of one in which black is zero is changed.
    tag = struct.pack("<HHI", 262, 3, 1)
    assert written.getvalue().count(tag + b"\1\0") == 1
    content = written.getvalue().replace(tag + b"\1\0", tag + b"\0\0")
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    shown = np.linspace(0, 255, 16)  # the orientation 3 is upside down
    for channels in (1, 3):
        for given in (content, path, Image.open(path)):
            image = read_picture(given, ImageSpec(8, 16, channels)).image.reshape(channels, 8, 16)
            assert abs(image - shown).max() <= 1
    assert abs(read_picture(written.getvalue(), SPEC).image - shown[::-1]).max() <= 1


def png_of(levels, colour_type: int) -> bytes:
    height, width = levels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in levels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("size", "columns"), [((30, 8), 30), ((30, 16), 15), ((3, 4), 6), ((1, 80), 1)])
def test_keep_returns_as_many_columns_as_the_aspect_ratio_requires(size, columns):
    sample = read_picture(Image.new("L", size, 7), ImageSpec(8, 40, variable=True), "keep")
    assert sample.image.shape == (8, columns)
    assert sample.width == columns
    assert (sample.image == 7).all()
    colours = read_picture(Image.new("RGB", size), ImageSpec(8, 40, 3, variable=True), "keep")
    assert colours.image.shape == (3, 8, columns)


def test_a_picture_that_is_too_wide_to_keep_names_both_widths():
    with pytest.raises(
        BadSample, match=r"300×10 pixels are 240 columns at height 8; at most 40 are allowed$"
    ):
        read_picture(Image.new("L", (300, 10)), ImageSpec(8, 40, variable=True), "keep")


@pytest.mark.parametrize("fit", ["stretch", "pad", "keep"])
def test_crop_leaves_out_rows_at_the_top_and_at_the_bottom(fit):
    picture = np.full((20, 40), 9, np.uint8)
    picture[:5] = picture[-5:] = 200
    sample = read_picture(picture, ImageSpec(10, 40, variable=fit == "keep", crop=0.25), fit)
    assert sample.image.shape == (10, 40)
    assert (sample.image == 9).all()
    assert sample.size == (40, 20), "the size of the picture includes the rows that are left out"
    thirds = read_picture(picture[:, :3], ImageSpec(10, 40, variable=fit == "keep", crop=0.33), fit)
    assert (thirds.image[:, : thirds.width] == 9).all()


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_crop_leaves_at_least_one_row(rows):
    sample = read_picture(np.full((rows, 5), 9, np.uint8), ImageSpec(8, 16, crop=0.45))
    assert (sample.image == 9).all()


def letters(ink, mode="RGBA", ground=(90, 90, 90, 0), share=0.2):
    """A picture with ink in a share of its columns, and transparent pixels of a hidden colour elsewhere."""
    picture = Image.new("RGBA", (40, 10), ground)
    picture.paste(ink, (4, 0, 4 + round(40 * share), 10))
    return picture if mode == "RGBA" else picture.convert("LA").convert(mode)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "La"])
@pytest.mark.parametrize(
    ("ink", "share", "levels"),
    [
        ((255, 255, 255, 255), 0.2, {"white": 255, "black": 0, "auto": 0}),
        ((0, 0, 0, 255), 0.2, {"white": 255, "black": 0, "auto": 255}),
        # A light label with round corners: what is written on it is dark.
        ((230, 230, 230, 255), 0.8, {"white": 255, "black": 0, "auto": 255}),
    ],
)
def test_transparent_pixels_become_the_ground(ink, share, levels, mode, channels):
    for ground, level in levels.items():
        read = read_picture(letters(ink, mode, share=share), ImageSpec(10, 40, channels, ground=ground))
        assert (read.image[..., -2:] == level).all()
        assert abs(int(read.image[..., 6].max()) - ink[0]) <= 1, "visible pixels stay"


def test_the_ground_has_no_effect_on_opaque_pictures_nor_on_none_visible(tmp_path):
    for ground in ("white", "black", "auto"):
        spec = ImageSpec(10, 40, ground=ground)
        opaque = read_picture(letters((250, 250, 250, 255), ground=(240, 240, 240, 255)), spec).image
        assert set(np.unique(opaque)) == {240, 250}
    assert (read_picture(Image.new("RGBA", (4, 4)), ImageSpec(4, 4, ground="auto")).image == 255).all()
    # A level of 16 bits that is transparent.
    levels = np.full((10, 40), 7, np.uint16)
    levels[:, 3:9] = 65535
    Image.fromarray(levels).save(tmp_path / "p.png", transparency=7)
    for ground, level in {"white": 255, "black": 0, "auto": 0}.items():
        assert read_picture(tmp_path / "p.png", ImageSpec(10, 40, ground=ground)).image[0, 0] == level
    with pytest.raises(UsageError, match="ground=grey: allowed are white, black, auto"):
        read_picture(tmp_path / "p.png", ImageSpec(10, 40, ground="grey"))


def test_an_unknown_fit_and_two_channels_are_errors():
    with pytest.raises(UsageError, match="fit=crop: allowed are stretch, pad, keep"):
        read_picture(PICTURES["L"], SPEC, "crop")
    with pytest.raises(UsageError, match="1 channel or 3"):
        read_picture(PICTURES["L"], ImageSpec(8, 16, 2))


def test_the_module_imports_neither_numpy_nor_pillow():
    code = "import sys, ctcbench.files.pictures; print({'numpy', 'PIL'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_a_picture_that_nothing_legible_would_be_left_of_is_an_error(fit):
    assert read_picture(Image.new("L", (16 * 32, 8), 0), SPEC, fit).width == 16
    with pytest.raises(BadSample, match="20000×30 pixels are 333 times as wide as 16×8 for their height"):
        read_picture(Image.new("L", (20_000, 30), 0), SPEC, fit)

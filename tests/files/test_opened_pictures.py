"""Pictures of every kind are opened; those that can't be read are errors with the reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pictures import read_picture
from tests.recognition.bar_reader import bars, recogniser

SPEC = ImageSpec(8, 16)
PICTURE = Image.linear_gradient("L").resize((16, 8))


def test_unreadable_files_are_errors_with_the_reason(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)
    for suffix in ("png", "jpg", "gif", "tiff", "webp", "bmp"):
        whole = tmp_path / f"whole.{suffix}"
        Image.fromarray(noise).save(whole)
        cut = tmp_path / f"cut.{suffix}"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        with pytest.raises(BadSample, match=r"damaged or cut off|not a picture"):
            read_picture(cut, SPEC)
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "run.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    for name, reason in {
        "empty.png": "empty file",
        "text.png": "not a picture",
        "run.png": "not a picture",
        "missing.png": "no such file",
        "n" * 300 + ".png": "can't be read .*too long",
        ".": "is not a file",
    }.items():
        with pytest.raises(BadSample, match=reason):
            read_picture(tmp_path / name, SPEC)
    for limit in (5_000, 2_000):  # Pillow warns of the one and refuses the other
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(BadSample, match="too large to be decoded safely"):
            read_picture(tmp_path / "whole.png", SPEC)


def png(picture: Image.Image) -> bytes:
    picture.save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


def test_bytes_and_open_files_are_read(tmp_path):
    (tmp_path / "a.png").write_bytes(content := png(PICTURE))
    expected = read_picture(PICTURE, SPEC).image
    with (tmp_path / "a.png").open("rb") as file, (tmp_path / "a.png").open("rb", buffering=0) as raw:
        for given in (content, bytearray(content), memoryview(content), io.BytesIO(content), file, raw):
            assert (read_picture(given, SPEC).image == expected).all()
        with pytest.raises(BadSample, match="empty file"):
            read_picture(file, SPEC)  # at its end
    for given, reason in (
        (b"", "empty file"),
        (b"<html>404</html>", "not a picture"),
        (content[:50], "damaged or cut off"),
        (file, "can't be read .*closed"),
        (io.StringIO("text"), "text mode"),
    ):
        with pytest.raises(BadSample, match=reason):
            read_picture(given, SPEC)
    with (tmp_path / "a.png").open(encoding="utf-8") as text, pytest.raises(BadSample, match="can't be read"):
        read_picture(text, SPEC)


def test_pillow_images_whose_bytes_are_damaged_or_closed_are_errors(registry):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8))
    content = png(noise)
    cut = Image.open(io.BytesIO(content[: len(content) // 2]))
    with Image.open(io.BytesIO(content)) as closed:
        pass
    for given, reason in ((cut, "can't be read .*truncated"), (closed, "can't be read")):
        with pytest.raises(BadSample, match=reason):
            read_picture(given, SPEC)
    found = list(recogniser(registry).predict_each([bars((4, 8)), cut, closed, bars((4, 8), (12, 16))]))
    assert [getattr(one, "text", None) for one in found] == ["a", None, None, "ab"]
    assert all(isinstance(one, BadSample) for one in found[1:3])

"""Pages of TIFF files."""

from __future__ import annotations

import io
import os
import struct

import pytest
from PIL import Image

from ctcbench.files.tiff_pages import has_several_pages


@pytest.mark.parametrize("pages", [1, 2, 5])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "group4"])
def test_pages_are_found(tmp_path, pages, compression):
    images = [Image.new("1" if compression == "group4" else "L", (9, 7), 1) for _ in range(pages)]
    options = {"compression": compression} if compression else {}
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:], **options)
    assert has_several_pages(tmp_path / "a.tif") is (pages > 1)


def test_a_smaller_copy_is_no_page(tmp_path):
    def directory(kind: int, following: int) -> bytes:
        return struct.pack(">HHHIII", 1, 254, 4, 1, kind, following)

    first = directory(0, 8 + 18)
    assert len(first) == 18
    for kind, found in ((0, True), (1, False), (2, True)):
        (tmp_path / "a.tif").write_bytes(b"MM\0*" + struct.pack(">I", 8) + first + directory(kind, 0))
        assert has_several_pages(tmp_path / "a.tif") is found


def test_other_and_damaged_files_have_none(tmp_path):
    Image.new("L", (9, 7)).save(
        written := io.BytesIO(), "TIFF", save_all=True, append_images=[Image.new("L", (9, 7))]
    )
    whole = written.getvalue()
    for content in (b"", b"II*\0", whole[:20], b"\x89PNG" + whole, whole[:4] + b"\xff" * 4 + whole[8:]):
        (tmp_path / "a.tif").write_bytes(content)
        assert not has_several_pages(tmp_path / "a.tif")
    assert not has_several_pages(tmp_path / "none.tif")


def test_a_pipe_has_none_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    assert not has_several_pages(tmp_path / "a.tif")


def test_pages_are_found_in_the_content_of_a_file():
    page, content = Image.new("L", (9, 7)), io.BytesIO()
    page.save(content, "TIFF", save_all=True, append_images=[page])
    assert has_several_pages(content.getvalue())
    assert not has_several_pages(content.getvalue()[:20]) and not has_several_pages(b"")

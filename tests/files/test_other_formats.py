"""Files of formats that are not read are named with a remedy."""

from __future__ import annotations

import pytest

from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pictures import read_picture


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.7\n", "a PDF document; convert it to PNG or JPEG, a file for each page, as `pdftoppm"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC; convert it to PNG or JPEG"),
        (b"\xff\x0a\0\0", "JPEG XL; convert it to PNG or JPEG"),
        (b"<svg></svg>", "SVG; convert it to PNG or JPEG"),
    ],
)
def test_a_known_format_has_a_remedy(tmp_path, content, reason):
    (tmp_path / "a").write_bytes(content)
    for picture in (tmp_path / "a", content):
        with pytest.raises(BadSample) as caught:
            read_picture(picture, ImageSpec(32, 100))
        assert str(caught.value).startswith(f"not a picture of a known format: {reason}")


def test_others_are_only_said_to_be_unknown():
    for content, reason in ((b"", "empty file"), (b"abc", "not a picture of a known format")):
        with pytest.raises(BadSample) as caught:
            read_picture(content, ImageSpec(32, 100))
        assert str(caught.value) == reason

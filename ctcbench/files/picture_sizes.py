"""The size of a picture, from its header alone, and the rows of it that are read."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from ctcbench.contract.errors import BadSample
from ctcbench.files.picture_formats import readable_formats

MOST_SIDE = 8192  # rows, and columns, that an image may have
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257  # tags of TIFF
_ORIENTATION = 0x0112  # the EXIF tag
_TURNED = (5, 6, 7, 8)  # by a quarter


class TooWide(BadSample):
    """A picture has more columns at the height of the images than they may have."""


def read_picture_size(picture: Path | bytes) -> tuple[int, int]:
    """Return width and height of a picture in pixels, with the EXIF orientation applied.

    Raises:
        BadSample: it is not a picture. Its pixels are not decoded, and may be damaged.
    """
    from PIL import Image

    suffix = picture.suffix.lower() if isinstance(picture, Path) else ""
    try:
        # Pillow would wait for the data of a pipe.
        if isinstance(picture, Path) and not picture.is_file():
            raise BadSample("is not a file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = picture if isinstance(picture, Path) else io.BytesIO(picture)
            with Image.open(source, formats=readable_formats(suffix)) as image:
                # Newer versions of Pillow apply a TIFF's orientation to `image.size`, and not to its tags.
                stored = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
                width = stored.get(_TIFF_WIDTH, image.width)
                height = stored.get(_TIFF_HEIGHT, image.height)
                turned = image.getexif().get(_ORIENTATION) in _TURNED
    except BadSample:
        raise
    except Exception as error:  # Pillow raises errors of many types for damaged bytes
        raise BadSample(f"not a picture ({error or type(error).__name__})") from error
    return (height, width) if turned else (width, height)


def rows_within(height: int, crop: float) -> tuple[int, int]:
    """Return the first of the rows that are read of a picture, and the row after the last.

    Args:
        height: of the picture.
        crop: share of the rows that is left out at the top, and at the bottom.
    """
    cut = round(height * crop)
    # At least one row stays: a picture may have a single one.
    return cut, max(cut + 1, height - cut)

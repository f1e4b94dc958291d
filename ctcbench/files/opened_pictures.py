"""with_open_picture(): opens a picture of any kind, and names the reason where it can't be read."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from ctcbench.contract.errors import BadSample
from ctcbench.files.other_formats import HEAD_BYTES, unknown_format
from ctcbench.files.picture_formats import readable_formats
from ctcbench.files.pixel_formats import image_of_array

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    Picture = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image | NDArray[Any]

R = TypeVar("R")


def with_open_picture(picture: Picture, use: Callable[[Image], R]) -> R:
    """Return what a function makes of the open image of a picture.

    Args:
        picture: as in `read_picture`.
        use: decodes the image, which Pillow may have only opened.

    Raises:
        BadSample: it is not a picture, or can't be read.
    """
    from PIL.Image import Image as PilImage

    if isinstance(picture, str | os.PathLike):
        return _from_path(Path(picture), use)
    if isinstance(picture, bytes | bytearray | memoryview):
        return _from_file(io.BytesIO(picture), use)
    if isinstance(picture, PilImage):
        # Pillow may have only opened it: damaged bytes, or a closed file, are found now.
        with _named_faults("can't be read"):
            return use(picture)
    if hasattr(picture, "read") and not hasattr(picture, "__array__"):
        return _from_file(io.BytesIO(_content(picture)), use)
    return use(image_of_array(picture))


def _from_path(path: Path, use: Callable[[Image], R]) -> R:
    try:
        # Pillow would wait for the data of a pipe.
        if not path.is_file():
            raise BadSample("is not a file" if path.exists() else "no such file")
        with path.open("rb") as file:
            return _from_file(file, use, path.suffix.lower())
    except PermissionError as error:
        raise BadSample("no permission to read it") from error
    except (OSError, ValueError) as error:  # a name that is too long, or has a NUL
        raise BadSample(f"can't be read ({getattr(error, 'strerror', None) or error})") from error


def _content(file: Any) -> bytes:
    try:
        content = file.read()
    except (OSError, ValueError) as error:  # ValueError: it is closed, or text of another encoding
        raise BadSample(f"the file can't be read ({error})") from error
    if not isinstance(content, bytes):
        raise BadSample("the file is open in text mode; open it with mode 'rb'")
    return content


def _from_file(file: BinaryIO, use: Callable[[Image], R], suffix: str = "") -> R:
    from PIL import Image, UnidentifiedImageError

    with _named_faults("damaged or cut off"):
        try:
            with Image.open(file, formats=readable_formats(suffix)) as image:
                # Pillow itself only warns of such a picture, whose file may be small.
                if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                    raise BadSample(f"too large to be decoded safely ({image.width} × {image.height} pixels)")
                return use(image)
        except UnidentifiedImageError as error:
            file.seek(0)
            raise BadSample(unknown_format(file.read(HEAD_BYTES))) from error


@contextlib.contextmanager
def _named_faults(what: str) -> Iterator[None]:
    """Return a context in which errors of Pillow become a BadSample that says `what`."""
    from PIL import Image

    try:
        yield
    except BadSample:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadSample(f"too large to be decoded safely ({error})") from error
    # Pillow raises errors of many types for damaged bytes: OSError, SyntaxError, struct.error, …
    except Exception as error:
        raise BadSample(f"{what} ({error or type(error).__name__})") from error

"""Any picture, turned into what a recogniser sees: 8 bits, on white, at the size of an ``ImageSpec``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ctcbench.contract.data import Sample
from ctcbench.contract.errors import BadSample, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from ctcbench.contract.specs import ImageSpec

Fit = Literal["stretch", "pad"]
SUFFIXES = frozenset(
    (
        ".bmp",
        ".gif",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    )
)

# Named, because Pillow's whole list has formats that start another program (EPS runs Ghostscript).
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000")
_WHITE = 255


def read_picture(picture: str | Path | Image | NDArray[Any], spec: ImageSpec, fit: Fit = "stretch") -> Sample:
    """Return `picture` as a recogniser sees it: a ``Sample`` with an empty text.

    Its image is uint8 of shape (H, W) for one channel (grey) or (3, H, W) for three (RGB), upright by
    the EXIF orientation, transparency on white, of an animation the first frame. ``stretch`` resizes
    to exactly H × W. ``pad`` keeps the aspect: it resizes to height H and adds white columns on the
    right, ``Sample.width`` being the columns before them; a picture too wide for that is shrunk to
    width W, with white above and below.

    An array is (H, W), (H, W, 1 to 4) or (1 or 3, H, W): bool, integers of full range, or floats from
    0 to 1 (0 to 255 where one is above 1).

    Raises:
        BadSample: the picture can't be read, or is not one; the message is the reason, without the name.
        UsageError: `fit` is unknown, or the spec has neither one channel nor three.
    """
    from PIL.Image import Image as PilImage

    if fit not in get_args(Fit):
        raise UsageError(f"fit={fit}: allowed are {', '.join(get_args(Fit))}")
    if spec.channels not in (1, 3):
        raise UsageError(f"pictures have 1 channel or 3, not {spec.channels}")
    if isinstance(picture, str | Path):
        return _from_file(Path(picture), spec, fit)
    if isinstance(picture, PilImage):
        return _prepared(picture, spec, fit)
    return _prepared(_image_of(picture), spec, fit)


def to_gray(image: Image) -> NDArray[np.uint8]:
    """Return `image`, of any mode, as grey levels uint8 of shape (H, W), transparency on white.

    Modes of 16 bits are scaled, not cut off; integers of 32 bits count as 16-bit levels unless one is
    above 65535 (then as 31-bit ones), floats as 0 to 1 unless one is above 1 (0 to 255) or 255 (16-bit).

    Raises:
        BadSample: the mode can't be converted, or a pixel is not a number.
    """
    import numpy as np

    return np.asarray(_on_white(image, "L"), dtype=np.uint8)


def _from_file(path: Path, spec: ImageSpec, fit: Fit) -> Sample:
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise BadSample("is not a file" if path.exists() else "no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                return _prepared(image, spec, fit)
    except BadSample:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadSample(f"too large to be decoded safely ({error})") from error
    except UnidentifiedImageError as error:
        reason = "empty file" if path.stat().st_size == 0 else "not a picture of a known format"
        raise BadSample(reason) from error
    except PermissionError as error:
        raise BadSample("no permission to read it") from error
    # Pillow raises nearly every type there is on damaged bytes: OSError, SyntaxError, struct.error, …
    except Exception as error:
        raise BadSample(f"damaged or cut off ({error or type(error).__name__})") from error


def _prepared(image: Image, spec: ImageSpec, fit: Fit) -> Sample:
    """Return the sample of an open picture."""
    import numpy as np
    from PIL import ImageOps

    if 0 in image.size:
        raise BadSample("it has no pixels")
    upright = _on_white(ImageOps.exif_transpose(image), "L" if spec.channels == 1 else "RGB")
    fitted, columns = _fitted(upright, spec, fit)
    pixels = np.array(fitted, dtype=np.uint8)
    return Sample(pixels if spec.channels == 1 else pixels.transpose(2, 0, 1).copy(), "", columns)


def _fitted(image: Image, spec: ImageSpec, fit: Fit) -> tuple[Image, int]:
    """Return the picture at the spec's size, and how many of its columns are not padding."""
    from PIL import Image
    from PIL.Image import Resampling

    size = (spec.width, spec.height)
    if image.size == size:
        return image, spec.width
    if fit == "stretch":
        return image.resize(size, Resampling.LANCZOS), spec.width
    scale = min(spec.height / image.height, spec.width / image.width)
    inner = (
        min(spec.width, max(1, round(image.width * scale))),
        min(spec.height, max(1, round(image.height * scale))),
    )
    canvas = Image.new(image.mode, size, _WHITE if image.mode == "L" else (_WHITE,) * 3)
    canvas.paste(image.resize(inner, Resampling.LANCZOS), (0, (spec.height - inner[1]) // 2))
    return canvas, inner[0]


def _on_white(image: Image, mode: Literal["L", "RGB"]) -> Image:
    """Return the picture in `mode`, whatever mode it is in, what is transparent being white."""
    from PIL import Image

    if image.mode == "LAB":  # Pillow converts it only with a colour profile; L is the lightness
        image = image.getchannel(0)
    elif image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _from_levels(image).convert(mode)
    try:
        if image.has_transparency_data:
            if image.mode == "La":
                image = image.convert("LA")
            rgba = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", rgba.size, (_WHITE,) * 4), rgba)
        return image if image.mode == mode else image.convert(mode)
    except ValueError as error:
        raise BadSample(f"mode {image.mode} can't be converted to {mode}") from error


def _from_levels(image: Image) -> Image:
    """Return a picture of 16- or 32-bit levels as mode L."""
    import numpy as np
    from PIL import Image

    levels = np.asarray(image)
    gray = _eight_bits(levels)
    if isinstance(clear := image.info.get("transparency"), int):
        gray = np.where(levels == clear, np.uint8(_WHITE), gray)
    return Image.fromarray(gray)


def _eight_bits(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return levels of any number type scaled to 0 … 255."""
    import numpy as np

    if levels.dtype == np.uint8:
        return levels
    if levels.dtype == np.bool_:
        return levels.astype(np.uint8) * np.uint8(_WHITE)
    if not np.issubdtype(levels.dtype, np.number) or np.iscomplexobj(levels):
        raise BadSample(f"pixels of type {levels.dtype} are not levels")
    if not np.isfinite(levels).all():
        raise BadSample("a pixel is not a number")
    top = float(levels.max())
    if np.issubdtype(levels.dtype, np.floating):
        white = 1.0 if top <= 1 else 255.0 if top <= 255 else 65535.0
    elif levels.dtype.itemsize == 1:
        white = 255.0
    else:
        white = 65535.0 if top <= 65535 else 2.0**31 - 1
    scaled = np.clip(levels.astype(np.float64) / white, 0, 1) * _WHITE
    return np.rint(scaled).astype(np.uint8)


def _image_of(picture: NDArray[Any]) -> Image:
    """Return an array as a picture."""
    import numpy as np
    from PIL import Image

    array = np.asarray(picture)
    if 0 in array.shape:
        raise BadSample("it has no pixels")
    if array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4) and array.shape[0] in (1, 3):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (2, 3, 4)):
        raise BadSample(f"an array of shape {array.shape} is not a picture (H, W) or (H, W, channels)")
    return Image.fromarray(np.ascontiguousarray(_eight_bits(array)))

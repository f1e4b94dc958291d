"""Pictures as a recogniser takes them: 8 bits, not transparent, at the size of an ``ImageSpec``."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from ctcbench.contract.data import Sample
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import Ground
from ctcbench.files.opened_pictures import with_open_picture
from ctcbench.files.picture_sizes import TooWide, rows_within
from ctcbench.files.pixel_formats import is_negative, on_ground, require_high_bytes
from ctcbench.files.pixel_levels import WHITE

if TYPE_CHECKING:
    from PIL.Image import Image

    from ctcbench.contract.specs import ImageSpec
    from ctcbench.files.opened_pictures import Picture

MOST_CROPPED = 0.45  # largest share of the rows that is cut off at either end
_MOST_SQUEEZED = 32  # columns of a picture in one, beyond what its rows are reduced by
Fit = Literal["stretch", "pad", "keep"]


@dataclass(frozen=True, kw_only=True)
class PreparedPicture(Sample):
    """A picture as a recogniser takes it.

    Attributes:
        size: width and height of the picture in pixels before it was resized, with the EXIF orientation
            applied.
    """

    size: tuple[int, int]


def read_picture(picture: Picture, spec: ImageSpec, fit: Fit = "stretch") -> PreparedPicture:
    """Return `picture` as a recogniser takes it: a ``Sample`` with an empty text.

    A picture is the path of a file, the bytes of one, a file that is open in binary mode (read from its
    position to its end), a PIL image of any mode, or an array.

    Its image is uint8 of shape (H, W) for one channel (grey) or (3, H, W) for three (RGB). The EXIF
    orientation is applied, transparent pixels become `spec.ground`, and of an animation the first frame is
    used. Then the share `spec.crop` of the rows is cut off at the top, and at the bottom.

    With ``stretch`` it is resized to exactly H × W. With ``pad`` the aspect ratio is kept: it is resized to
    height H and white columns are added on the right, which ``Sample.width`` does not count; a picture that
    is too wide for that is resized to width W, with white rows above and below. With ``keep`` the picture is
    resized to height H, and its image has as many columns as the aspect ratio requires, at most W.

    An array is (H, W), (H, W, 1 to 4) or (1 or 3, H, W), of bool, integers or floats. uint8 levels are taken
    as they are; in other types white depends on the highest level of the array (`scale_levels`): integers
    of 1, 8, 10, 12, 14 or 16 bits, floats from 0 to 1 or from 0 to 255. So an integer array of levels from
    0 to 255 is read like a uint8 array. The same holds for pictures with grey levels of 16 bits.

    Pillow's warnings are ignored meanwhile, by filters that are those of the whole process.

    Raises:
        BadSample: it is not a picture, can't be read, or is too wide for the spec; the message is the
            reason, without the file's name.
        UsageError: `fit` or the ground is unknown, or the spec has neither one channel nor three.
    """
    from PIL.Image import DecompressionBombWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Of a picture in another one, such as that of an icon, nothing else reports the size.
        warnings.simplefilter("error", DecompressionBombWarning)
        return decode_picture(picture, spec, fit)


def decode_picture(picture: Picture, spec: ImageSpec, fit: Fit) -> PreparedPicture:
    """Do what `read_picture` does, but let Pillow's warnings pass, so that several threads can call it.

    Raises:
        BadSample: as `read_picture`.
        UsageError: as `read_picture`.
    """
    _require_known(spec, fit)
    return with_open_picture(picture, lambda image: _scaled(_upright(image, spec), spec, fit))


def decode_crops(
    picture: Picture, spec: ImageSpec, fit: Fit, crops: Sequence[float]
) -> tuple[PreparedPicture, ...]:
    """Return what `decode_picture` returns for a spec at each of several crops; a picture is decoded once.

    A crop that leaves a picture too wide for the spec is left out, unless all do.

    Raises:
        BadSample: as `decode_picture`; or the picture is too wide at every crop.
        UsageError: as `decode_picture`.
    """
    _require_known(spec, fit)

    def scale(image: Image) -> tuple[PreparedPicture, ...]:
        upright = _upright(image, spec)
        found: list[PreparedPicture] = []
        for number, crop in enumerate(crops, start=1):
            try:
                found.append(_scaled(upright, dataclasses.replace(spec, crop=crop), fit))
            except BadSample:
                if number == len(crops) and not found:
                    raise
        return tuple(found)

    return with_open_picture(picture, scale)


def _require_known(spec: ImageSpec, fit: Fit) -> None:
    if fit not in get_args(Fit):
        raise UsageError(f"fit={fit}: allowed are {', '.join(get_args(Fit))}")
    if spec.ground not in get_args(Ground):
        raise UsageError(f"ground={spec.ground}: allowed are {', '.join(get_args(Ground))}")
    if spec.channels not in (1, 3):
        raise UsageError(f"pictures have 1 channel or 3, not {spec.channels}")


def _upright(image: Image, spec: ImageSpec) -> Image:
    """Return an open picture upright and on its ground, with the channels of the spec."""
    from PIL import ImageOps

    if 0 in image.size:
        raise BadSample("it has no pixels")
    require_high_bytes(image)
    mode: Literal["L", "RGB"] = "L" if spec.channels == 1 else "RGB"
    return on_ground(ImageOps.exif_transpose(image), mode, spec.ground, negative=is_negative(image))


def _scaled(upright: Image, spec: ImageSpec, fit: Fit) -> PreparedPicture:
    """Return a picture cropped, at the size of the spec."""
    import numpy as np

    whole = upright.size
    top, bottom = rows_within(upright.height, spec.crop)
    upright = upright.crop((0, top, upright.width, bottom)) if top else upright
    fitted, columns = _fitted(upright, spec, fit)
    pixels = np.array(fitted, dtype=np.uint8)
    planes = pixels if spec.channels == 1 else pixels.transpose(2, 0, 1).copy()
    return PreparedPicture(planes, "", columns, size=whole)


def _fitted(image: Image, spec: ImageSpec, fit: Fit) -> tuple[Image, int]:
    """Return the picture at the size of the spec, and the number of its columns without the padding."""
    from PIL import Image
    from PIL.Image import Resampling

    if fit == "keep":
        kept = _kept(image, spec)
        return kept, kept.width
    size = (spec.width, spec.height)
    if image.size == size:
        return image, spec.width
    _require_legible(image, spec)
    if fit == "stretch":
        return image.resize(size, Resampling.LANCZOS), spec.width
    scale = min(spec.height / image.height, spec.width / image.width)
    inner = (
        min(spec.width, max(1, round(image.width * scale))),
        min(spec.height, max(1, round(image.height * scale))),
    )
    canvas = Image.new(image.mode, size, WHITE if image.mode == "L" else (WHITE,) * 3)
    canvas.paste(image.resize(inner, Resampling.LANCZOS), (0, (spec.height - inner[1]) // 2))
    return canvas, inner[0]


def _require_legible(image: Image, spec: ImageSpec) -> None:
    """Check that a picture is not so wide that a stroke vanishes at the size of the spec."""
    squeezed = image.width * spec.height / (spec.width * image.height)
    if squeezed > _MOST_SQUEEZED:
        raise BadSample(
            f"its {image.width}×{image.height} pixels are {squeezed:,.0f} times as wide as "
            f"{spec.width}×{spec.height} for their height, which leaves nothing legible; cut it, or choose "
            f"another width"
        )


def _kept(image: Image, spec: ImageSpec) -> Image:
    """Return the picture at the height of the spec, with its own aspect ratio."""
    from PIL.Image import Resampling

    columns = max(1, round(image.width * spec.height / image.height))
    if columns > spec.width:
        raise TooWide(
            f"its {image.width}×{image.height} pixels are {columns} columns at height {spec.height}; "
            f"at most {spec.width} are allowed"
        )
    size = (columns, spec.height)
    return image if image.size == size else image.resize(size, Resampling.LANCZOS)

"""Pixels of any picture or array as 8-bit grey levels or RGB without transparency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import Ground
from ctcbench.files.pixel_levels import WHITE, scale_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

_VISIBLE = 0.5  # of a picture; more of it is no text on a transparent ground
_BLACK = 0
_PHOTOMETRIC_INTERPRETATION, _WHITE_IS_ZERO = 262, 0  # a tag of TIFF files (TIFF 6.0, page 37), and its value


def on_ground(
    image: Image, mode: Literal["L", "RGB"], ground: Ground = "white", *, negative: bool = False
) -> Image:
    """Return `image`, of any mode, in `mode`, its transparent pixels as the ground has them.

    Levels of more than 8 bits, and floats, are scaled as `scale_levels` describes.

    Args:
        image: a picture.
        mode: grey or colours.
        ground: what is below transparent pixels.
        negative: whether levels of more than 8 bits are inverted, as `is_negative` returns it.

    Raises:
        BadSample: the mode can't be converted, or as `scale_levels`.
    """
    from PIL import Image

    if image.mode == "LAB":
        # Pillow converts it only with a colour profile; the first channel is the lightness.
        image = image.getchannel(0)
    elif image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _from_levels(image, ground, negative=negative).convert(mode)
    try:
        if image.has_transparency_data:
            # Premultiplied alpha, which Pillow converts to LA only.
            if image.mode == "La":
                image = image.convert("LA")
            rgba = image.convert("RGBA")
            level = _level_below(rgba, ground)
            image = Image.alpha_composite(Image.new("RGBA", rgba.size, (level, level, level, WHITE)), rgba)
        return image if image.mode == mode else image.convert(mode)
    except ValueError as error:
        raise BadSample(f"mode {image.mode} can't be converted to {mode}") from error


def image_of_array(picture: Any) -> Image:
    """Return an array as a picture.

    Raises:
        BadSample: its shape is not that of a picture, or as `scale_levels`.
    """
    import numpy as np
    from PIL import Image

    try:
        array = np.asarray(picture)
    except Exception as error:  # a ragged list, a tensor on a GPU or with a gradient, any object's own error
        raise BadSample(f"can't be read as an array ({error})") from error
    if 0 in array.shape:
        raise BadSample("it has no pixels")
    if array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4) and array.shape[0] in (1, 3):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (2, 3, 4)):
        raise BadSample(f"an array of shape {array.shape} is not a picture (H, W) or (H, W, channels)")
    return Image.fromarray(np.ascontiguousarray(scale_levels(array)))


def require_high_bytes(image: Image) -> None:
    """Check that a picture of 16-bit colours, which is opened and not yet decoded, uses the high bytes.

    Colours of a picture with transparent pixels can be black alone, that of its text: they are not checked.

    Raises:
        BadSample: all its levels are below a quarter of white, as those of 8, 12 or 14 significant bits are.
    """
    # Pillow has no mode for 16-bit colours and keeps their high bytes. Grey levels keep both bytes.
    raw_modes = [str(part[3]) for part in getattr(image, "tile", ())]
    if any(";16" in mode for mode in raw_modes) and image.mode in ("LA", "RGB", "RGBA"):
        # From histograms, 256 counts a band, because the type of Pillow's extrema depends on the mode.
        if image.has_transparency_data and any(image.convert("RGBA").getchannel("A").histogram()[:WHITE]):
            return
        counts = image.convert("RGB").histogram()
        highest = max(index % 256 for index, count in enumerate(counts) if count)
        if highest <= WHITE // 4:
            raise BadSample(
                f"its 16-bit colours have no level above {highest * 256 + 255} of 65535, which is read as "
                f"nearly black; convert it to 8 bits a colour"
            )


def _level_below(rgba: Image, ground: Ground) -> int:
    """Return the level of the ground of a picture in mode RGBA."""
    import numpy as np

    if ground != "auto":
        return _level_of(ground)
    return _chosen_level(np.asarray(rgba.convert("L")), np.asarray(rgba.getchannel("A")) / WHITE)


def _level_of(ground: Ground) -> int:
    return _BLACK if ground == "black" else WHITE


def _chosen_level(gray: NDArray[Any], visible: NDArray[Any]) -> int:
    """Return the level of the ground ``auto``, from grey levels and how visible each pixel is, 0 to 1."""
    shown = float(visible.sum())
    is_light = float((gray * visible).sum()) > shown * WHITE / 2
    return _BLACK if is_light and shown < _VISIBLE * visible.size else WHITE


def is_negative(image: Image) -> bool:
    """Return whether white has level 0 in the file of an open picture, and Pillow keeps the levels so.

    Pillow inverts levels of up to 8 bits. Copies of the picture no longer have the tag.
    """
    tags = getattr(image, "tag_v2", {})
    return image.format == "TIFF" and tags.get(_PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO


def _from_levels(image: Image, ground: Ground, *, negative: bool) -> Image:
    """Return a picture of 16-bit or 32-bit levels in mode L."""
    import numpy as np
    from PIL import Image

    levels = np.asarray(image)
    gray = scale_levels(levels)
    gray = WHITE - gray if negative else gray
    if isinstance(clear := image.info.get("transparency"), int):
        hidden = levels == clear
        level = _chosen_level(gray, ~hidden) if ground == "auto" else _level_of(ground)
        gray = np.where(hidden, np.uint8(level), gray)
    return Image.fromarray(gray)

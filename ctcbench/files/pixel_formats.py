"""Pixels of any picture or array as 8-bit grey levels or RGB on white."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ctcbench.contract.errors import BadSample
from ctcbench.files.pixel_levels import WHITE, scale_levels

if TYPE_CHECKING:
    from PIL.Image import Image


def on_white(image: Image, mode: Literal["L", "RGB"]) -> Image:
    """Return `image`, of any mode, in `mode`, its transparent pixels white.

    Levels of more than 8 bits, and floats, are scaled as `scale_levels` describes.

    Raises:
        BadSample: the mode can't be converted, or as `scale_levels`.
    """
    from PIL import Image

    if image.mode == "LAB":
        # Pillow converts it only with a colour profile; the first channel is the lightness.
        image = image.getchannel(0)
    elif image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _from_levels(image).convert(mode)
    try:
        if image.has_transparency_data:
            # Premultiplied alpha, which Pillow converts to LA only.
            if image.mode == "La":
                image = image.convert("LA")
            rgba = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", rgba.size, (WHITE,) * 4), rgba)
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

    Raises:
        BadSample: all its levels are below a quarter of white, as those of 8, 12 or 14 significant bits are.
    """
    # Pillow has no mode for 16-bit colours and keeps their high bytes. Grey levels keep both bytes.
    raw_modes = [str(part[3]) for part in getattr(image, "tile", ())]
    if any(";16" in mode for mode in raw_modes) and image.mode in ("RGB", "RGBA"):
        # From the histogram, 256 counts a band, because the type of Pillow's extrema depends on the mode.
        counts = image.convert("RGB").histogram()
        highest = max(index % 256 for index, count in enumerate(counts) if count)
        if highest <= WHITE // 4:
            raise BadSample(
                f"its 16-bit colours have no level above {highest * 256 + 255} of 65535, which is read as "
                f"nearly black; convert it to 8 bits a colour"
            )


def _from_levels(image: Image) -> Image:
    """Return a picture of 16-bit or 32-bit levels in mode L."""
    import numpy as np
    from PIL import Image

    levels = np.asarray(image)
    gray = scale_levels(levels)
    if isinstance(clear := image.info.get("transparency"), int):
        gray = np.where(levels == clear, np.uint8(WHITE), gray)
    return Image.fromarray(gray)

"""Pixels of any picture or array as 8-bit grey levels or RGB on white."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ctcbench.contract.errors import BadSample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

WHITE = 255


def on_white(image: Image, mode: Literal["L", "RGB"]) -> Image:
    """Return `image`, of any mode, in `mode`, its transparent pixels white.

    Levels of 16 bits are scaled to 8. Integers of 32 bits count as 16-bit levels unless one is above 65535
    (then as 31-bit levels), floats as 0 to 1 unless one is above 1 (then 0 to 255) or above 255 (16-bit).

    Raises:
        BadSample: the mode can't be converted, or a pixel is not a number.
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


def image_of_array(picture: NDArray[Any]) -> Image:
    """Return an array as a picture.

    Raises:
        BadSample: its shape or type is not that of a picture.
    """
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


def _from_levels(image: Image) -> Image:
    """Return a picture of 16-bit or 32-bit levels in mode L."""
    import numpy as np
    from PIL import Image

    levels = np.asarray(image)
    gray = _eight_bits(levels)
    if isinstance(clear := image.info.get("transparency"), int):
        gray = np.where(levels == clear, np.uint8(WHITE), gray)
    return Image.fromarray(gray)


def _eight_bits(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return levels of any real type scaled to 0 … 255; see `on_white` for the ranges."""
    import numpy as np

    if levels.dtype == np.uint8:
        return levels
    if levels.dtype == np.bool_:
        return levels.astype(np.uint8) * np.uint8(WHITE)
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
    scaled = np.clip(levels.astype(np.float64) / white, 0, 1) * WHITE
    return np.rint(scaled).astype(np.uint8)

"""scale_levels(): pixel levels of any numeric type as 8-bit levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ctcbench.contract.errors import BadSample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WHITE = 255
# Significant bits of pictures that are stored in wider integers, such as the 12 of a camera in 16.
_BITS = (1, 8, 10, 12, 14, 16)
_WIDE_BITS = (31, 32)
_ROUNDING = 1e-3  # how far beyond black and white a float may be after arithmetic, as a share of white


def scale_levels(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return pixel levels scaled to 0 (black) to 255 (white).

    White is, by type and by the highest level of the picture:

    - uint8: 255; bool: True;
    - other integers: the lowest of 1, 255, 1023, 4095, 16383 and 65535 (1, 8, 10, 12, 14 and 16 bits) that
      no level exceeds; beyond that 2³¹ − 1 or 2³² − 1;
    - floats: 1 if no level is above 1, else 255, else 65535. A highest level between 1 and 2 is an error,
      because the picture can have either range.

    Raises:
        BadSample: the type has no such levels (int8, complex numbers, objects), a level is below black,
            infinite or not a number, or none of these ranges holds the levels.
    """
    import numpy as np

    if levels.dtype == np.uint8:
        return levels
    if levels.dtype == np.bool_:
        return levels.astype(np.uint8) * np.uint8(WHITE)
    # Complex numbers are numbers to NumPy too, hence not np.number.
    is_float = np.issubdtype(levels.dtype, np.floating)
    if not is_float and not np.issubdtype(levels.dtype, np.integer):
        raise BadSample(f"pixels of type {levels.dtype} are not levels")
    if levels.dtype == np.int8:
        raise BadSample("pixels of type int8 can't hold the levels 0 to 255; convert them to uint8")
    if not np.isfinite(levels).all():
        raise BadSample("a pixel is not a number, or infinite")
    low, high = float(levels.min()), float(levels.max())
    ranges = (1.0, 255.0, 65535.0) if is_float else tuple(2.0**bits - 1 for bits in _BITS + _WIDE_BITS)
    # In float64, because the bounds of wide integers have no exact float32.
    slack = 1 + _ROUNDING if is_float else 1.0
    white = next((top for top in ranges if high <= top * slack), None)
    if white is None:
        raise BadSample(f"a pixel has level {high:g}, above {ranges[-1]:g}; scale them to 0 to 255")
    if is_float and slack < high < 2:
        raise BadSample(f"its highest level is {high:g}; scale the levels to 0 to 1, or to 0 to 255")
    if low < (-_ROUNDING * white if is_float else 0):
        raise BadSample(f"a pixel has level {low:g}, below black; scale them to 0 to 255")
    return np.rint(np.clip(levels.astype(np.float64) / white, 0, 1) * WHITE).astype(np.uint8)

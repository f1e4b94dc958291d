"""Checks of the arguments that are one value: whole numbers, numbers, flags; and how messages show values."""

import math
import operator
from typing import Any, SupportsFloat, SupportsIndex

import numpy as np

MAX_INT32 = 2**31 - 1
_LONGEST = 80  # characters of a value in a message
# Scalars of numpy that float() accepts although they are no real numbers, some of them with a warning.
_NOT_REAL = (np.character, np.complexfloating, np.datetime64, np.timedelta64, np.void)


def shown(value: object) -> str:
    """Return `value` for an error message: its repr on one line, shortened, or a description without one."""
    # Python refuses to print integers of more than 4,300 digits.
    if isinstance(value, int) and value.bit_length() > 4 * _LONGEST:
        return f"a whole number of {value.bit_length()} bits"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # whatever the repr of a foreign class raises
        return f"a {type(value).__name__} that cannot be printed"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def check_flag(name: str, value: object) -> bool:
    """Return `value` as a bool. Anything but a bool raises TypeError."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {shown(value)}; it must be True or False")
    return bool(value)


def check_integer(name: str, value: SupportsIndex, *, low: int, high: int = MAX_INT32) -> int:
    """Return `value` as an int in [low, high]. Bools and floats raise TypeError."""
    allowed = f"it must be a whole number of at least {low}" + (
        "" if high == MAX_INT32 else f" and at most {high}"
    )
    if _is_bool(value):
        raise TypeError(f"{name} is {shown(value)}; {allowed}")
    try:
        number = operator.index(value)
    except Exception:  # a foreign class may raise anything, such as torch for tensors without values
        raise TypeError(f"{name} is {shown(value)}, of type {type(value).__name__}; {allowed}") from None
    if not low <= number <= MAX_INT32 or number > high:
        raise ValueError(
            f"{name} is {shown(number)}; {allowed}"
            + (" and below 2**31" if number > MAX_INT32 == high else "")
        )
    return number


def check_non_negative(name: str, value: SupportsFloat) -> float:
    """Return `value` as a finite float of at least 0. Bools, strings and arrays raise TypeError."""
    return _check_real(name, value, 0.0, " of at least 0")


def check_finite(name: str, value: SupportsFloat) -> float:
    """Return `value` as a finite float. Bools, strings and arrays raise TypeError."""
    return _check_real(name, value, -math.inf, "")


def _check_real(name: str, value: SupportsFloat, low: float, bound: str) -> float:
    wrong_type = f"{name} is {shown(value)}; it must be a number{bound}"
    if _is_bool(value) or not isinstance(value, SupportsFloat) or not _is_real_scalar(value):
        raise TypeError(wrong_type)
    out_of_range = f"{name} is {shown(value)}; it must be a finite number{bound}"
    try:
        number = float(value)
    except (OverflowError, ValueError):  # 10**400, a signalling NaN
        raise ValueError(out_of_range) from None
    except Exception:  # as in check_integer
        raise TypeError(wrong_type) from None
    if not (math.isfinite(number) and number >= low):
        raise ValueError(out_of_range)
    return number


def _is_bool(value: object) -> bool:
    # By the name of its dtype a tensor of torch is recognised without importing torch.
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool")


def _is_real_scalar(value: Any) -> bool:
    if getattr(value, "ndim", 0) != 0 or value is np.ma.masked:
        return False
    scalar_type = getattr(getattr(value, "dtype", None), "type", float)
    return not (isinstance(scalar_type, type) and issubclass(scalar_type, _NOT_REAL))

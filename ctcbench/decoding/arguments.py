"""What every decoder asks of its arguments, with an error that names what is wrong."""

import math
import operator
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ctcbench.decoding.arrays import LogProbsLike, as_array, as_lengths
from ctcbench.decoding.softmax import log_softmax

__all__ = ["DecoderInput", "LogProbsLike", "check_beam", "check_blank", "check_input", "whole_number"]

LOWEST_LOG = (
    -1e9
)  # a logarithm below this is a mask: it means probability zero. As kLowestLog in csrc/ctc/prob.hpp.
ROUNDING = 1e-3  # by which a logarithm of a probability may exceed 0: float16 is that coarse
MOST = 2**31 - 1
MOST_CLASSES = MOST - 64  # as kMostClasses in csrc/ctc/prefix_beam_search.hpp


class DecoderInput(NamedTuple):
    """Checked input: native, aligned floats."""

    log_probs_NTK: NDArray[np.floating[Any]]
    lengths_N: NDArray[np.int64]
    blank: int
    single: bool  # given as (T, K): one list comes back, not a list of lists


def check_input(
    log_probs: LogProbsLike,
    lengths: object,
    blank: SupportsIndex,
    *,
    normalize: bool,
    blank_penalty: SupportsFloat,
    look_inside: bool = True,
) -> DecoderInput:
    """Bring what every decoder takes into one form, or raise what `beam_search` says it raises.

    Without `look_inside`, log-probs that are decoded as they are remain unchecked: the C++ search checks them
    as it reads them.
    """
    if not isinstance(normalize, bool | np.bool_):
        raise TypeError(f"normalize is {normalize!r}; it must be True or False")
    array = as_array(log_probs)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"log_probs has shape {array.shape}; it must be (N, T, K) or, for one sequence, (T, K)"
        )
    if array.shape[-1] == 0:
        raise ValueError(
            f"log_probs has shape {array.shape}, so no classes; there must be at least the blank"
        )
    if array.shape[-2] > MOST or array.shape[-1] > MOST_CLASSES:
        raise ValueError(f"log_probs has shape {array.shape}; T must be below 2**31, K below 2**31 - 63")
    single = array.ndim == 2
    values_NTK = array[np.newaxis] if single else array
    lengths_N = as_lengths(
        lengths, num_sequences=values_NTK.shape[0], num_frames=values_NTK.shape[1], single=single
    )
    blank = check_blank(blank, values_NTK.shape[2])
    penalty = check_penalty(blank_penalty)
    if look_inside or normalize or penalty:
        check_values(values_NTK, lengths_N, logits=bool(normalize))
    if penalty:
        values_NTK = values_NTK.astype(np.float64)
        if not normalize:  # a mask stays one, though the blank may now be below it
            values_NTK[values_NTK < LOWEST_LOG] = -np.inf
        with np.errstate(over="ignore"):
            values_NTK[:, :, blank] -= penalty
    if normalize or penalty:
        values_NTK = log_softmax(values_NTK)
    return DecoderInput(values_NTK, lengths_N, blank, single)


def check_values(
    values_NTK: NDArray[np.floating[Any]], lengths_N: NDArray[np.int64], *, logits: bool
) -> None:
    """Raise for the first counting frame that cannot be decoded."""
    peak_NT = values_NTK.max(axis=2)  # NaN if any class is
    low, high = (-np.finfo(np.float64).max, np.finfo(np.float64).max) if logits else (LOWEST_LOG, ROUNDING)
    bad_NT = ~((peak_NT >= low) & (peak_NT <= high))
    bad_NT &= np.arange(values_NTK.shape[1]) < lengths_N[:, np.newaxis]
    if not bad_NT.any():
        return
    n, t = (int(i) for i in np.argwhere(bad_NT)[0])
    peak, where = float(peak_NT[n, t]), f"log_probs: sequence {n}, frame {t}"
    k = int(np.argmax(values_NTK[n, t]))
    if np.isnan(peak):
        raise ValueError(f"{where}, class {k} is nan; every value must be a number or -inf")
    if peak == np.inf:
        raise ValueError(f"{where}, class {k} is inf; logarithms of probabilities are at most 0")
    if peak < low:
        raise ValueError(
            f"{where} holds nothing above {'-inf' if logits else f'{low:g}'}, so every class has "
            "probability zero; "
            "at least one class of a frame must be possible"
        )
    raise ValueError(
        f"{where}, class {k} is {peak:g}, but logarithms of probabilities are at most 0; these look like "
        "logits or probabilities; apply log_softmax (normalize=True does), or the logarithm to probabilities"
    )


def check_blank(blank: SupportsIndex, num_classes: int) -> int:
    """Return the blank's class, a number in [0, num_classes)."""
    return whole_number("blank", blank, low=0, high=num_classes - 1)


def check_penalty(blank_penalty: SupportsFloat) -> float:
    """Return the blank's penalty, a finite number of at least 0."""
    if isinstance(blank_penalty, bool | np.bool_) or not isinstance(blank_penalty, SupportsFloat):
        raise TypeError(f"blank_penalty is {blank_penalty!r}; it must be a number of at least 0")
    penalty = float(blank_penalty)
    if not 0 <= penalty < math.inf:
        raise ValueError(f"blank_penalty is {blank_penalty!r}; it must be a finite number of at least 0")
    return penalty


def check_beam(beam_width: SupportsIndex, n_best: SupportsIndex) -> tuple[int, int]:
    """Return beam width and n-best, both at least 1, n-best at most the width."""
    width = whole_number("beam_width", beam_width, low=1)
    best = whole_number("n_best", n_best, low=1)
    if best > width:
        raise ValueError(
            f"n_best is {best}, more than beam_width, which is {width}; it must be at most beam_width"
        )
    return width, best


def whole_number(name: str, value: SupportsIndex, *, low: int, high: int = MOST) -> int:
    """Return `value` as an int in [low, high]; a bool or a float is a mistake, not a number."""
    allowed = f"it must be a whole number of at least {low}" + (
        "" if high == MOST else f" and at most {high}"
    )
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {value!r}; {allowed}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, a {type(value).__name__}; {allowed}") from None
    if not low <= number <= MOST or number > high:
        raise ValueError(f"{name} is {number}; {allowed}" + (" and below 2**31" if number > MOST else ""))
    return number

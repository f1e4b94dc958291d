"""Checks of the arguments that all decoders share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from . import _core
from .arrays import LogProbsLike, as_array, as_lengths
from .scalars import MAX_INT32, check_flag, check_integer, check_non_negative
from .softmax import log_softmax

__all__ = ["DecoderInput", "LogProbsLike", "check_beam", "check_input", "named_bad_frames"]

# Logarithms below this are masks that mean probability zero: kLowestLog in csrc/ctc/prob.hpp.
LOWEST_LOG = -1e9
# The largest accepted log-probability: rounding to float16 can lift one above 0 by this much. kHighestLog in
# csrc/ctc/prefix_beam_search.hpp.
HIGHEST_LOG = 1e-3
MAX_CLASSES = MAX_INT32 - 64  # kMostClasses in csrc/ctc/prefix_beam_search.hpp


class DecoderInput(NamedTuple):
    """The checked arguments of a decoder.

    Attributes:
        log_probs_NTK: float32 or float64, aligned and in native byte order.
        lengths_N: number of valid frames of each sequence.
        blank: class of the blank.
        single: whether the input was one sequence of shape (T, K), so that the result has no outer list.
    """

    log_probs_NTK: NDArray[np.floating[Any]]
    lengths_N: NDArray[np.int64]
    blank: int
    single: bool


def check_input(
    log_probs: LogProbsLike,
    lengths: object,
    blank: SupportsIndex,
    *,
    normalize: bool,
    blank_penalty: SupportsFloat,
    check_log_probs: bool = True,
) -> DecoderInput:
    """Check and convert the arguments that all decoders share, and apply the blank penalty.

    With `check_log_probs` false, log-probabilities that need no normalisation are not checked: the C++ search
    checks each value when it reads it.

    Raises:
        TypeError: as `beam_search`.
        ValueError: as `beam_search`.
    """
    normalize = check_flag("normalize", normalize)
    array = as_array(log_probs)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"log_probs has shape {array.shape}; it must be (N, T, K) or, for one sequence, (T, K)"
        )
    if array.shape[-1] == 0:
        raise ValueError(
            f"log_probs has shape {array.shape}, so no classes; there must be at least the blank"
        )
    if array.shape[-2] > MAX_INT32 or array.shape[-1] > MAX_CLASSES:
        raise ValueError(f"log_probs has shape {array.shape}; T must be below 2**31, K below 2**31 - 63")
    single = array.ndim == 2
    values_NTK = array[np.newaxis] if single else array
    lengths_N = as_lengths(
        lengths, num_sequences=values_NTK.shape[0], num_frames=values_NTK.shape[1], single=single
    )
    blank = check_integer("blank", blank, low=0, high=values_NTK.shape[2] - 1)
    penalty = check_non_negative("blank_penalty", blank_penalty)
    if check_log_probs or normalize or penalty:
        check_values(values_NTK, lengths_N, logits=normalize)
    if penalty:
        values_NTK = values_NTK.astype(np.float64)
        if not normalize:
            # The penalty may lift a mask above the blank; it must still mean probability zero.
            values_NTK[values_NTK < LOWEST_LOG] = -np.inf
        with np.errstate(over="ignore"):
            values_NTK[:, :, blank] -= penalty
    if normalize or penalty:
        values_NTK = log_softmax(values_NTK)
    return DecoderInput(values_NTK, lengths_N, blank, single)


def check_values(
    values_NTK: NDArray[np.floating[Any]], lengths_N: NDArray[np.int64], *, logits: bool
) -> None:
    """Raise ValueError for the first valid frame that cannot be decoded."""
    peak_NT = values_NTK.max(axis=2)  # NaN if any class is NaN
    low, high = (-np.finfo(np.float64).max, np.finfo(np.float64).max) if logits else (LOWEST_LOG, HIGHEST_LOG)
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
        allowed = "logits are finite, or -inf" if logits else "logarithms of probabilities are at most 0"
        raise ValueError(f"{where}, class {k} is inf; {allowed}")
    if peak < low:
        raise ValueError(
            f"{where} holds nothing above {'-inf' if logits else f'{low:g}'}, so every class has "
            "probability zero; at least one class of a frame must be possible"
        )
    raise ValueError(
        f"{where}, class {k} is {peak:g}, but logarithms of probabilities are at most 0; these look like "
        "logits or probabilities; apply log_softmax (normalize=True does), or the logarithm to probabilities"
    )


@contextmanager
def named_bad_frames(checked: DecoderInput) -> Iterator[None]:
    """Name the class and the value where the extension finds a frame that is no log-probabilities.

    Raises:
        ValueError: as `check_values`.
    """
    try:
        yield
    except _core.BadFrame:
        # The extension reports the frame alone, as it looks for more only where a frame is bad.
        check_values(checked.log_probs_NTK, checked.lengths_N, logits=False)
        raise


def check_beam(beam_width: SupportsIndex, n_best: SupportsIndex) -> tuple[int, int]:
    """Return both as ints with 1 <= n_best <= beam_width."""
    width = check_integer("beam_width", beam_width, low=1)
    best = check_integer("n_best", n_best, low=1)
    if best > width:
        raise ValueError(
            f"n_best is {best}, more than beam_width, which is {width}; it must be at most beam_width"
        )
    return width, best

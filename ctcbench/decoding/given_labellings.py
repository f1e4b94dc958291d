"""Checks of labellings that the caller gives, and their layout for the extension: one after the other."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .scalars import shown

Labelling = Sequence[int] | NDArray[np.integer[Any]]


class FlatLabellings(NamedTuple):
    """Labellings one after the other.

    Attributes:
        labels: int32 (sum of the lengths,).
        offsets: int64 (number of labellings + 1,), where each one begins and ends.
    """

    labels: NDArray[np.int32]
    offsets: NDArray[np.int64]


def flatten(labellings: Iterable[tuple[str, object]], *, num_classes: int, blank: int) -> FlatLabellings:
    """Check labellings, each with its name for messages, and store them one after the other.

    Raises:
        TypeError: a labelling is not a sequence of whole numbers.
        ValueError: a label is the blank or outside [0, num_classes).
    """
    given = list(labellings)
    quick = _tuples_at_once([labels for _, labels in given], num_classes, blank)
    if quick is not None:
        return quick
    arrays = [_as_labels(name, labels, num_classes, blank) for name, labels in given]
    return FlatLabellings(np.concatenate([np.zeros(0, dtype=np.int32), *arrays]), _offsets(map(len, arrays)))


def _tuples_at_once(labellings: Sequence[object], num_classes: int, blank: int) -> FlatLabellings | None:
    """Return tuples of classes, as hypotheses have, one after the other; None if there is anything else.

    An array for each of them would take longer than most searches.
    """
    tuples = [labels for labels in labellings if type(labels) is tuple]
    flat = [label for labels in tuples for label in labels]
    if len(tuples) < len(labellings) or set(map(type, flat)) - {int}:
        return None
    if flat and not (min(flat) >= 0 and max(flat) < num_classes and blank not in flat):
        return None
    return FlatLabellings(np.array(flat, dtype=np.int32), _offsets(map(len, tuples)))


def _offsets(lengths: Iterable[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *lengths], dtype=np.int64)


def _as_labels(name: str, labels: object, num_classes: int, blank: int) -> NDArray[np.int32]:
    allowed = f"it must be a sequence of classes, whole numbers in [0, {num_classes - 1}] without the blank"
    if isinstance(labels, str | bytes):
        raise TypeError(f"{name} is {shown(labels)}; {allowed}: encode the text first")
    try:
        array = np.asarray(labels)
    except (TypeError, ValueError, RuntimeError):  # such as lists of different lengths, or tensors elsewhere
        raise TypeError(f"{name} is {shown(labels)}; {allowed}") from None
    if array.size == 0 and array.ndim == 1:
        return np.zeros(0, dtype=np.int32)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError(f"{name} is {shown(labels)}; {allowed}")
    bad = (array < 0) | (array >= num_classes) | (array == blank)
    if bad.any():
        place = int(np.argmax(bad))
        what = "the blank" if array[place] == blank else "no class"
        raise ValueError(f"{name}[{place}] is {array[place]}, which is {what}; {allowed}")
    return array.astype(np.int32)


def by_sequence(name: str, values: object, num_sequences: int, *, single: bool) -> list[Any]:
    """Return what the caller gives for each sequence as a list; for a single sequence, `values` alone.

    Raises:
        TypeError: `values` is no sequence.
        ValueError: there is not one for each sequence.
    """
    if single:
        return [values]
    try:
        given: list[Any] = list(values)  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"{name} is {shown(values)}; it must have one element for each sequence") from None
    if len(given) != num_sequences:
        raise ValueError(
            f"{name} has {len(given)} elements; there must be {num_sequences}, one for each sequence"
        )
    return given

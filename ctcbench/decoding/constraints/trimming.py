"""trim(): an `Automaton` of any states and edges; and the limits on the size of an automaton."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..user_errors import InputError
from .automaton import Automaton

MOST_STATES = 5_000_000
MOST_EDGES = 50_000_000  # 8 bytes each, several times that while an automaton is built


def trim(
    classes: int, start: int, accepting: ArrayLike, sources: ArrayLike, labels: ArrayLike, targets: ArrayLike
) -> Automaton | None:
    """Return the automaton of some edges, without the states that no accepted labelling passes.

    Args:
        classes: K, the number of classes.
        start: the state before the first label.
        accepting: whether a labelling may end in each state, (S,).
        sources: the state before each edge, (E,), in any order.
        labels: the class of each edge, (E,); those of a state differ.
        targets: the state after each edge, (E,).

    Returns:
        The automaton; None if it accepts nothing.
    """
    accepting_S = np.asarray(accepting, np.bool_)
    sources_E, labels_E, targets_E = (np.asarray(array, np.int32) for array in (sources, labels, targets))
    order = np.lexsort((labels_E, sources_E))
    sources_E, labels_E, targets_E = sources_E[order], labels_E[order], targets_E[order]
    num_states = len(accepting_S)
    forth = _offsets(sources_E, num_states)
    used_S = _core.state_distances(np.array([start], np.int32), forth, targets_E) >= 0
    by_target = np.argsort(targets_E, kind="stable")
    back = _offsets(targets_E[by_target], num_states)
    ends = _core.state_distances(np.flatnonzero(accepting_S).astype(np.int32), back, sources_E[by_target])
    used_S &= ends >= 0
    if not used_S[start]:
        return None
    number_S = np.cumsum(used_S) - 1
    used_E = used_S[sources_E] & used_S[targets_E]
    return Automaton(
        classes,
        int(number_S[start]),
        accepting_S[used_S],
        _offsets(number_S[sources_E[used_E]], int(used_S.sum())),
        labels_E[used_E],
        number_S[targets_E[used_E]].astype(np.int32),
    )


def require_size(owner: str, states: int, edges: int) -> None:
    """Check that an automaton is not too large to be built.

    Raises:
        InputError: it is; the message begins with `owner`.
    """
    if states > MOST_STATES:
        raise InputError(f"{owner}: the automaton would have more than {MOST_STATES:,} states")
    if edges > MOST_EDGES:
        raise InputError(
            f"{owner}: the automaton would have more than {MOST_EDGES:,} edges "
            f"(one for each state and each class that is allowed there)"
        )


def _offsets(sorted_states: NDArray[np.integer[Any]], num_states: int) -> NDArray[np.int64]:
    counts = np.bincount(sorted_states, minlength=num_states)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

"""The intersection of constraints: the labellings that all of them allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ..scalars import shown
from ..user_errors import InputError
from .automaton import Automaton
from .trimming import require_size, trim

_OWNER = "the constraints together"


def intersect(automata: Sequence[Automaton]) -> Automaton:
    """Return the automaton of the labellings that every automaton accepts, by the product construction.

    Raises:
        InputError: there are no such labellings, or the automaton would be too large.
        TypeError: `automata` is no list, or something in it is no `Automaton`, such as a language model.
        ValueError: there are no automata, or they differ in their number of classes.
    """
    if not isinstance(automata, Iterable):
        raise TypeError(f"automata is {shown(automata)}; it must be a list of Automaton")
    automata = list(automata)
    for number, one in enumerate(automata):
        if not isinstance(one, Automaton):
            raise TypeError(
                f"automata[{number}] is {shown(one)}; it must be an Automaton. A search combines other "
                "guides, such as language models: guide=[…]"
            )
    if not automata:
        raise ValueError("no automata: the intersection needs at least one")
    if len({automaton.classes for automaton in automata}) > 1:
        found = ", ".join(str(automaton.classes) for automaton in automata)
        raise ValueError(f"the automata have {found} classes; they must have the same number")
    # The smallest first: products stay small where one of the sets is.
    return reduce(_product, sorted(automata, key=lambda automaton: automaton.num_edges))


def _product(a: Automaton, b: Automaton) -> Automaton:
    """Return the product of two automata, explored from the start in steps of one label."""
    keys_a, keys_b = _keys(a), _keys(b)
    pairs = np.array([a.start * b.num_states + b.start], np.int64)
    number_of = {int(pairs[0]): 0}
    parts: list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]] = []
    num_edges = 0
    while len(pairs):
        states_a, states_b = np.divmod(pairs, b.num_states)
        # The edges of one automaton are looked up in the other one, so those that are fewer are taken.
        candidates_a, candidates_b = _num_edges(a, states_a), _num_edges(b, states_b)
        require_size(_OWNER, len(number_of), min(candidates_a, candidates_b))
        if candidates_a <= candidates_b:
            rows, labels, targets_a, targets_b = _common_edges(a, states_a, b, states_b, keys_b)
        else:
            rows, labels, targets_b, targets_a = _common_edges(b, states_b, a, states_a, keys_a)
        found, inverse = np.unique(targets_a.astype(np.int64) * b.num_states + targets_b, return_inverse=True)
        sources = np.array([number_of[pair] for pair in pairs.tolist()], np.int64)[rows]
        known = len(number_of)
        numbers = np.array([number_of.setdefault(pair, len(number_of)) for pair in found.tolist()], np.int64)
        parts.append((sources, labels, numbers[inverse]))
        num_edges += len(labels)
        require_size(_OWNER, len(number_of), num_edges)
        pairs = found[numbers >= known]
    states_a, states_b = np.divmod(np.fromiter(number_of, np.int64, len(number_of)), b.num_states)
    accepting = a.accepting[states_a] & b.accepting[states_b]
    automaton = trim(
        a.classes, 0, accepting, *(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    )
    if automaton is None:
        raise InputError(f"{_OWNER} allow no text: none meets all of them")
    return automaton


def _keys(automaton: Automaton) -> NDArray[np.int64]:
    """Return one number for each edge, ascending, for its state and its label."""
    return automaton.sources.astype(np.int64) * automaton.classes + automaton.labels


def _num_edges(automaton: Automaton, states: NDArray[np.int64]) -> int:
    return int((automaton.offsets[states + 1] - automaton.offsets[states]).sum())


def _common_edges(
    walked: Automaton,
    walked_states: NDArray[np.int64],
    searched: Automaton,
    searched_states: NDArray[np.int64],
    searched_keys: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the edges of pairs of states: the row of the pair, the label, and both targets."""
    begins = walked.offsets[walked_states]
    counts = walked.offsets[walked_states + 1] - begins
    rows = np.repeat(np.arange(len(counts)), counts)
    edges = np.arange(len(rows)) + (begins - np.cumsum(counts) + counts)[rows]
    keys = searched_states[rows] * searched.classes + walked.labels[edges]
    places = np.searchsorted(searched_keys, keys)
    both = places < len(searched_keys)
    both[both] = searched_keys[places[both]] == keys[both]
    edges, places = edges[both], places[both]
    return rows[both], walked.labels[edges], walked.targets[edges], searched.targets[places]

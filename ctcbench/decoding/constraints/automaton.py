"""Automaton: a deterministic finite automaton over classes, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..scalars import MAX_INT32, check_integer


@dataclass(frozen=True, eq=False)
class Automaton:
    """A set of labellings: those that a deterministic finite automaton accepts.

    S is the number of states, E the number of edges. The edges of state s are those from ``offsets[s]`` up to
    but not including ``offsets[s + 1]``, in ascending order of their labels. Every state can be reached from
    the start, and an accepting state can be reached from every state: the set is never empty.

    Attributes:
        classes: K, the number of classes, including the blank.
        start: the state before the first label.
        accepting: bool (S,), whether a labelling may end in the state.
        offsets: int64 (S + 1,), where the edges of each state begin.
        labels: int32 (E,), the class of each edge, 0 to K − 1 without the blank of the decoder.
        targets: int32 (E,), the state after each edge.

    Raises:
        TypeError: an argument has another type than that.
        ValueError: the arrays are not such an automaton.
    """

    classes: int
    start: int
    accepting: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int32]
    targets: NDArray[np.int32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", check_integer("classes", self.classes, low=1))
        arrays = {"accepting": np.bool_, "offsets": np.int64, "labels": np.int32, "targets": np.int32}
        for name, dtype in arrays.items():
            object.__setattr__(self, name, _read_only(name, getattr(self, name), dtype))
        num_states = len(self.accepting)
        if not 1 <= num_states < MAX_INT32:
            raise ValueError(f"accepting has {num_states} states; allowed are 1 to 2**31 - 2")
        object.__setattr__(self, "start", check_integer("start", self.start, low=0, high=num_states - 1))
        self._check_edges()
        if not self._reachable().all():
            raise ValueError("a state cannot be reached from the start")
        if (self.shortest() < 0).any():
            raise ValueError("no accepting state can be reached from a state")

    def _check_edges(self) -> None:
        num_states, num_edges = self.num_states, self.num_edges
        if len(self.offsets) != num_states + 1 or self.offsets[0] != 0 or self.offsets[-1] != num_edges:
            raise ValueError("offsets must have one element more than accepting, and lead from 0 to E")
        if (np.diff(self.offsets) < 0).any():
            raise ValueError("offsets must not decrease")
        if len(self.targets) != num_edges:
            raise ValueError(f"labels has {num_edges} edges, targets has {len(self.targets)}")
        if num_edges == 0:
            return
        if self.labels.min() < 0 or self.labels.max() >= self.classes:
            raise ValueError(f"labels must lie in [0, {self.classes})")
        if self.targets.min() < 0 or self.targets.max() >= num_states:
            raise ValueError(f"targets must lie in [0, {num_states})")
        same_state = self.sources[1:] == self.sources[:-1]
        if (same_state & (np.diff(self.labels) <= 0)).any():
            raise ValueError("the labels of a state must ascend, each at most once")

    @property
    def num_states(self) -> int:
        """S, the number of states."""
        return len(self.accepting)

    @property
    def num_edges(self) -> int:
        """E, the number of edges."""
        return len(self.labels)

    @property
    def sources(self) -> NDArray[np.int32]:
        """The state before each edge, int32 (E,)."""
        return np.repeat(np.arange(self.num_states, dtype=np.int32), np.diff(self.offsets))

    def after(self, state: int, label: int) -> int | None:
        """Return the state after `label` in `state`; None if no labelling of the set continues so.

        Raises:
            IndexError: there is no such state.
        """
        if not 0 <= state < self.num_states:
            raise IndexError(f"state is {state}; it must lie in [0, {self.num_states})")
        begin, end = self.offsets[state], self.offsets[state + 1]
        edge = begin + np.searchsorted(self.labels[begin:end], label)
        return int(self.targets[edge]) if edge < end and self.labels[edge] == label else None

    def accepts(self, labels: Iterable[int]) -> bool:
        """Return whether a labelling (classes, no blanks) belongs to the set."""
        state = self.start
        for label in labels:
            following = self.after(state, label)
            if following is None:
                return False
            state = following
        return bool(self.accepting[state])

    def shortest(self) -> NDArray[np.int32]:
        """Return for each state the least number of further labels after which a labelling may end, (S,)."""
        return self._shortest

    @cached_property
    def _shortest(self) -> NDArray[np.int32]:
        order = np.argsort(self.targets, kind="stable")
        counts = np.bincount(self.targets, minlength=self.num_states)
        incoming = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        ends = np.flatnonzero(self.accepting)
        distances = _core.state_distances(ends.astype(np.int32), incoming, self.sources[order])
        distances.flags.writeable = False
        return distances

    def as_guide(self) -> _core.Guide:
        """Return the automaton as the C++ search uses it."""
        return self._guide

    @cached_property
    def _guide(self) -> _core.Guide:
        return _core.automaton_guide(
            classes=self.classes,
            start=self.start,
            accepting=self.accepting,
            offsets=self.offsets,
            labels=self.labels,
            targets=self.targets,
        )

    @cached_property
    def used_labels(self) -> frozenset[int]:
        """The labels of all edges."""
        return frozenset(np.unique(self.labels).tolist())

    def __getstate__(self) -> dict[str, Any]:
        # Without what is computed on demand: the form in C++ cannot be pickled.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _reachable(self) -> NDArray[np.bool_]:
        return _core.state_distances(np.array([self.start], np.int32), self.offsets, self.targets) >= 0


def _read_only(name: str, values: object, dtype: type[np.generic]) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions; it must have 1")
    # An empty list is an array of floats in numpy.
    if array.size and not np.can_cast(array.dtype, dtype, casting="same_kind"):
        raise TypeError(f"{name} has dtype {array.dtype}; it must be {np.dtype(dtype)}")
    if array.size and dtype is np.int32 and (array.min() < 0 or array.max() > MAX_INT32):
        raise ValueError(f"{name} must lie in [0, 2**31)")
    # A copy: an array of the caller could change later.
    array = array.astype(dtype)
    array.flags.writeable = False
    return array

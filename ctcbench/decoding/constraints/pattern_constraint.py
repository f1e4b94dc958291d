"""Constraints by a regular expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..scalars import shown
from ..user_errors import InputError
from .automaton import Automaton
from .character_sets import CharacterGroups
from .class_characters import ClassCharacters, class_of_character, quoted
from .pattern_syntax import PatternGraph
from .trimming import require_size, trim

MOST_PATTERN_STATES = 20_000


def pattern_automaton(characters: ClassCharacters, pattern: str) -> Automaton:
    """Return the automaton of the texts that a regular expression matches as a whole.

    The syntax is that of Python's `re`, without flags, references to groups, lookaround, word boundaries,
    atomic groups and possessive repeats. ``.``, ``[^…]`` and repeats are about characters of classes: a class
    of several code points, such as a letter with a mark, is one of them, also where the pattern has it.
    The pattern is normalised to Unicode NFC first, except where a class is written otherwise. Ranges,
    ``\\d`` and the like stand for those of their characters that a class has.

    Raises:
        InputError: the pattern is no such expression, or matches no text of `characters`; a character that
            is written in it is of no class (in ``[^…]`` it may be); its automaton would have more than
            20,000 states or take more than 2 million steps to build; or `characters` has an error.
    """
    class_of_character(characters)
    if not isinstance(pattern, str):
        raise InputError(f"pattern is {shown(pattern)}; it must be a string")
    groups = CharacterGroups(characters, pattern)
    graph = PatternGraph(groups.pattern)
    groups.divide({one for one in graph.reads if one is not None}, graph.budget)
    if missing := groups.missing():
        graph.budget.refuse(f"the alphabet lacks {quoted(missing)}; leave out what it lacks")
    states = _Subsets(graph, groups)
    sources, group_E, targets = states.explore()
    sizes = groups.sizes[group_E]
    require_size(f"pattern {pattern!r}", len(states.accepting), int(sizes.sum()))
    automaton = trim(
        len(characters),
        0,
        states.accepting,
        np.repeat(sources, sizes),
        groups.classes_of(group_E),
        np.repeat(targets, sizes),
    )
    if automaton is None:
        known = quoted([character for character in characters if character is not None])
        graph.budget.refuse(f"it matches no text of the alphabet, which has {known}")
    return automaton


class _Subsets:
    """The subset construction (Rabin and Scott 1959): its states are sets of states of a `PatternGraph`."""

    def __init__(self, graph: PatternGraph, groups: CharacterGroups) -> None:
        self.accepting: list[bool] = []
        self._graph = graph
        self._groups = groups
        self._closures: dict[int, tuple[int, ...]] = {}

    def explore(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Return the edges: the state before, the group of characters, and the state after; each (E,)."""
        graph = self._graph
        subset = self._reached([graph.start], at_start=True)
        # At the beginning of a text ^ holds, so that the same subset later is another state.
        number_of = {} if graph.begins else {subset: 0}
        self.accepting.append(self._accepts(subset, at_start=True))
        waiting = [(0, subset)]
        edges: list[tuple[int, int, int]] = []
        for source, subset in waiting:
            # Groups with the same states behind them are looked up once.
            found: dict[tuple[int, ...], int] = {}
            for group, states in self._moves(subset):
                if states not in found:
                    following = self._merged(states)
                    if following not in number_of:
                        number_of[following] = self._add(following)
                        waiting.append((number_of[following], following))
                    found[states] = number_of[following]
                edges.append((source, group, found[states]))
        array = np.array(edges, np.int32).reshape(-1, 3)
        return array[:, 0], array[:, 1], array[:, 2]

    def _add(self, subset: tuple[int, ...]) -> int:
        if len(self.accepting) >= MOST_PATTERN_STATES:
            self._graph.budget.refuse(
                f"its automaton would have more than {MOST_PATTERN_STATES:,} states; simplify it"
            )
        self.accepting.append(self._accepts(subset, at_start=False))
        return len(self.accepting) - 1

    def _moves(self, subset: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield each group of characters that a state of a subset reads, and the states behind it."""
        after: dict[int, list[int]] = {}
        for state in subset:
            characters = self._graph.reads[state]
            if characters is not None:
                groups = self._groups.groups_of[characters]
                self._graph.budget.spend(len(groups))
                for group in groups:
                    after.setdefault(group, []).append(self._graph.after[state])
        return ((group, tuple(dict.fromkeys(states))) for group, states in after.items())

    def _merged(self, states: Sequence[int]) -> tuple[int, ...]:
        for state in states:
            if state not in self._closures:
                self._closures[state] = self._reached([state])
        self._graph.budget.spend(sum(len(self._closures[state]) for state in states))
        if len(states) == 1:
            return self._closures[states[0]]
        return tuple(sorted({one for state in states for one in self._closures[state]}))

    def _reached(
        self, states: Sequence[int], *, at_start: bool = False, at_end: bool = False
    ) -> tuple[int, ...]:
        """Return the states that are reached without a character and that matter, ascending."""
        graph = self._graph
        seen, waiting, reached = set(states), list(states), []
        while waiting:
            state = waiting.pop()
            is_passable = (at_start or state not in graph.begins) and (at_end or state not in graph.ends)
            if graph.reads[state] is not None or state == graph.end or state in graph.ends:
                reached.append(state)
            if is_passable:
                for following in graph.free[state]:
                    if following not in seen:
                        seen.add(following)
                        waiting.append(following)
        graph.budget.spend(len(seen))
        return tuple(sorted(reached))

    def _accepts(self, subset: tuple[int, ...], *, at_start: bool) -> bool:
        if self._graph.end in subset:
            return True
        anchors = [state for state in subset if state in self._graph.ends]
        return bool(anchors) and self._graph.end in self._reached(anchors, at_start=at_start, at_end=True)

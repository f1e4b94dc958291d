"""Regular expressions as nondeterministic automata, with the parser of Python's module `re`."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from ..user_errors import InputError

MOST_STEPS = 2_000_000
_LONGEST = 10_000  # code points of a pattern
_MOST_STATES = 50_000  # of the nondeterministic automaton
# The parser of `re` has no public name. It has been the same since Python 1.6 but for its place.
_parser = importlib.import_module("re._parser")
_constants = importlib.import_module("re._constants")
_REFUSED = {
    "GROUPREF": "references to groups",
    "GROUPREF_EXISTS": "references to groups",
    "ASSERT": "lookahead and lookbehind",
    "ASSERT_NOT": "lookahead and lookbehind",
    "ATOMIC_GROUP": "atomic groups",
    "POSSESSIVE_REPEAT": "possessive repeats",
    "AT_BOUNDARY": "word boundaries",
    "AT_NON_BOUNDARY": "word boundaries",
}
_FLAGS = re.UNICODE | re.VERBOSE | re.DOTALL  # the first one is always set
_DOT: tuple[tuple[str, Any], ...] = (("NEGATE", None), ("LITERAL", ord("\n")))

CharacterSet = tuple[tuple[str, Any], ...]
"""Items of a set of characters as `re` parses them: LITERAL, RANGE, CATEGORY, and NEGATE at the beginning."""


class StepBudget:
    """The steps that may be taken for a pattern: hostile ones need more than any machine can take."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._left = MOST_STEPS

    def spend(self, steps: int) -> None:
        """Take some steps.

        Raises:
            InputError: there are not as many left.
        """
        self._left -= steps
        if self._left < 0:
            self.refuse(f"its automaton takes more than {MOST_STEPS:,} steps to build; simplify it")

    def refuse(self, reason: str) -> NoReturn:
        """Raise the InputError of the pattern with a reason."""
        shown = self.pattern if len(self.pattern) <= 100 else f"{self.pattern[:100]}…"
        raise InputError(f"pattern {shown!r}: {reason}")


class PatternGraph:
    """A nondeterministic automaton (Thompson 1968).

    Attributes:
        reads: for each state the set of characters that it reads, None if it reads none.
        after: for each state the state after that character, -1 if it reads none.
        free: for each state the states that are reached without a character.
        begins: states whose free edges hold at the beginning of a text alone (``^``).
        ends: states whose free edges hold at the end of a text alone (``$``).
        start: the state before the first character.
        end: the state after the whole pattern.
    """

    def __init__(self, pattern: str) -> None:
        self.budget = StepBudget(pattern)
        self.reads: list[CharacterSet | None] = []
        self.after: list[int] = []
        self.free: list[list[int]] = []
        self.begins: set[int] = set()
        self.ends: set[int] = set()
        self.end = self._state()
        parsed = self._parse(pattern)
        self._dot: CharacterSet = (("NEGATE", None),) if parsed.state.flags & re.DOTALL else _DOT
        try:
            self.start = self._sequence(parsed, self.end)
        except RecursionError:
            self.budget.refuse("its parentheses are nested too deeply")

    def _parse(self, pattern: str) -> Any:
        if len(pattern) > _LONGEST:
            self.budget.refuse(f"it has more than {_LONGEST:,} characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # "[[" may get a meaning in a later version
                parsed = _parser.parse(pattern)
        except (re.error, OverflowError) as error:
            # Other dialects have properties of Unicode.
            remedy = "; [^\\W\\d_] is any letter" if "bad escape \\p" in str(error) else ""
            self.budget.refuse(f"not a regular expression ({error}){remedy}")
        except RecursionError:
            self.budget.refuse("its parentheses are nested too deeply")
        self._require_flags(parsed.state.flags)
        return parsed

    def _require_flags(self, flags: int) -> None:
        if other := re.RegexFlag(flags & ~_FLAGS):
            remedy = "; [Aa] allows both cases of a letter" if other & re.IGNORECASE else ""
            self.budget.refuse(f"the flag {other!r} is not supported{remedy}")

    def _state(self, *free: int) -> int:
        self.budget.spend(1)
        if len(self.reads) >= _MOST_STATES:
            self.budget.refuse(f"it has more than {_MOST_STATES:,} states; shorten its repeats")
        self.reads.append(None)
        self.after.append(-1)
        self.free.append(list(free))
        return len(self.reads) - 1

    def _reading(self, characters: CharacterSet, following: int) -> int:
        state = self._state()
        self.reads[state], self.after[state] = characters, following
        return state

    def _sequence(self, parsed: Any, following: int) -> int:
        """Add the states of a sequence, and return the first one; `following` is the state behind it."""
        for operator, argument in reversed(list(parsed)):
            following = self._item(operator, argument, following)
        return following

    def _item(self, operator: Any, argument: Any, following: int) -> int:
        self.budget.spend(1)
        name = str(argument if operator is _constants.AT else operator)
        if name in _REFUSED:
            self.budget.refuse(f"{_REFUSED[name]} are not supported")
        add = self._ADDERS.get(str(operator))
        if add is None:
            self.budget.refuse(f"{operator} is not supported")
        return add(self, argument, following)

    def _add_literal(self, code: int, following: int) -> int:
        return self._reading((("LITERAL", code),), following)

    def _add_other(self, code: int, following: int) -> int:
        return self._reading((("NEGATE", None), ("LITERAL", code)), following)

    def _add_any(self, _: None, following: int) -> int:
        return self._reading(self._dot, following)

    def _add_set(self, items: Any, following: int) -> int:
        return self._reading(tuple((str(kind), value) for kind, value in items), following)

    def _add_branches(self, argument: tuple[None, list[Any]], following: int) -> int:
        return self._state(*(self._sequence(branch, following) for branch in argument[1]))

    def _add_group(self, argument: tuple[Any, int, int, Any], following: int) -> int:
        _, added, removed, parsed = argument
        self._require_flags(added | removed)
        if (added | removed) & re.DOTALL:
            self.budget.refuse("(?s: inside of a pattern is not supported; write (?s) at its beginning")
        return self._sequence(parsed, following)

    def _add_repeat(self, argument: tuple[int, int, Any], following: int) -> int:
        least, most, parsed = argument
        if most is _constants.MAXREPEAT:
            loop = self._state(following)
            self.free[loop].append(self._sequence(parsed, loop))
            state = loop
        else:
            state = following
            # Each optional one contains the next: (x(x)?)?, which has few states at a time, unlike x?x?.
            for _ in range(int(most) - least):
                inner = self._sequence(parsed, state)
                if inner == state:  # the repeated part is empty
                    return state
                state = self._state(following, inner)
        for _ in range(least):
            inner = self._sequence(parsed, state)
            if inner == state:
                break
            state = inner
        return state

    def _add_anchor(self, argument: Any, following: int) -> int:
        state = self._state(following)
        (self.begins if "BEGINNING" in str(argument) else self.ends).add(state)
        return state

    _ADDERS: ClassVar[dict[str, Callable[[PatternGraph, Any, int], int]]] = {
        "LITERAL": _add_literal,
        "NOT_LITERAL": _add_other,
        "ANY": _add_any,
        "IN": _add_set,
        "BRANCH": _add_branches,
        "SUBPATTERN": _add_group,
        "MAX_REPEAT": _add_repeat,
        "MIN_REPEAT": _add_repeat,
        "AT": _add_anchor,
    }

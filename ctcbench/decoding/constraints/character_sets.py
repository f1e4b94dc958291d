"""CharacterGroups: the classes that a pattern cannot tell apart, and the sets of characters made of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .class_characters import ClassCharacters
from .pattern_syntax import CharacterSet, StepBudget

# What `re` takes for digits, space and characters of words in a text that is not bytes.
_CATEGORIES: Mapping[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": lambda character: character.isalnum() or character == "_",
}
_PRIVATE = range(0xF0000, 0x10FFFE, 2)  # with gaps: in a range, two clusters would have no end of their own


class CharacterGroups:
    """The classes of a pattern's characters.

    The parser of `re` knows code points alone, so each class of several code points is replaced by a code
    point for private use, in the pattern too.

    Attributes:
        pattern: the pattern with these code points.
        groups_of: the groups that a set of characters consists of.
        sizes: number of classes of each group, (G,).
    """

    def __init__(self, characters: ClassCharacters, pattern: str) -> None:
        texts = [character for character in characters if character is not None]
        self._labels = np.array([k for k, character in enumerate(characters) if character is not None])
        self.pattern = _composed(pattern, texts)
        used = set(self.pattern).union(*texts)
        free = (chr(code) for code in _PRIVATE if chr(code) not in used)
        self._clusters = {unicodedata.normalize("NFC", t): next(free) for t in texts if len(t) > 1}
        # The longest first: a cluster can begin with another one.
        for cluster in sorted(self._clusters, key=len, reverse=True):
            self.pattern = self.pattern.replace(cluster, self._clusters[cluster])
        stand_ins = [self._clusters[unicodedata.normalize("NFC", t)] if len(t) > 1 else t for t in texts]
        self._codes = np.array([ord(character) for character in stand_ins])
        self._firsts = [text[0] for text in texts]
        self._categories: dict[str, NDArray[np.bool_]] = {}
        self.groups_of: Mapping[CharacterSet, tuple[int, ...]] = {}
        self.sizes = np.zeros(0, np.int64)

    def divide(self, sets: Iterable[CharacterSet], budget: StepBudget) -> None:
        """Divide the classes into groups of which every set consists.

        Raises:
            InputError: a range begins or ends with a class of several code points, or the budget is spent.
        """
        sets = list(sets)
        literals = {value for one in sets for kind, value in one if kind == "LITERAL"}
        # A class that is written out is a group of its own; the others are divided by ranges and categories.
        alone = np.isin(self._codes, list(literals))
        groups = np.where(alone, np.arange(1, len(self._codes) + 1), 0)
        for one in sets:
            if any(kind in ("RANGE", "CATEGORY") for kind, _ in one):
                budget.spend(1 + len(self._codes) // 10)
                self._require_ends(one, budget)
                groups = np.unique(groups * 2 + self._mask(one), return_inverse=True)[1]
        groups = np.unique(groups, return_inverse=True)[1]
        self.groups_of = {one: tuple(np.unique(groups[self._mask(one)]).tolist()) for one in sets}
        self.sizes = np.bincount(groups)
        self._by_group = self._labels[np.argsort(groups, kind="stable")]
        self._begins = np.cumsum(self.sizes) - self.sizes

    def classes_of(self, groups: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the classes of one group after the other."""
        sizes = self.sizes[groups]
        shifts = np.repeat(self._begins[groups] - np.cumsum(sizes) + sizes, sizes)
        return self._by_group[shifts + np.arange(len(shifts))]

    def missing(self) -> list[str]:
        """Return the characters that the pattern asks for one by one and that no class has."""
        # Not those of [^…], which excludes nothing by them.
        wanted = {
            value
            for one in self.groups_of
            if one[0][0] != "NEGATE"
            for kind, value in one
            if kind == "LITERAL"
        }
        return [chr(code) for code in sorted(wanted - set(self._codes.tolist()))]

    def _require_ends(self, characters: CharacterSet, budget: StepBudget) -> None:
        clusters = {ord(stand_in): cluster for cluster, stand_in in self._clusters.items()}
        for kind, value in characters:
            for end in value if kind == "RANGE" else ():
                if end in clusters:
                    budget.refuse(f"{clusters[end]!r} has several code points and can't be an end of a range")

    def _mask(self, characters: CharacterSet) -> NDArray[np.bool_]:
        mask = np.zeros(len(self._codes), np.bool_)
        for kind, value in characters:
            if kind == "LITERAL":
                mask |= self._codes == value
            elif kind == "RANGE":
                mask |= (self._codes >= value[0]) & (self._codes <= value[1])
            elif kind == "CATEGORY":
                mask |= self._category(value)
        return ~mask if characters and characters[0][0] == "NEGATE" else mask

    def _category(self, category: Any) -> NDArray[np.bool_]:
        name = str(category)
        if name not in self._categories:
            positive = name.replace("_NOT_", "_")
            # A cluster belongs to the category of its letter, which comes first.
            found = np.array([_CATEGORIES[positive](first) for first in self._firsts], np.bool_)
            self._categories[name] = found if name == positive else ~found
        return self._categories[name]


def _composed(pattern: str, texts: Iterable[str]) -> str:
    """Return the NFC of a pattern, or the pattern where that has more characters that no class has."""
    composed = unicodedata.normalize("NFC", pattern)
    points = {point for text in texts for point in (*text, *unicodedata.normalize("NFC", text))}
    return composed if len(set(composed) - points) <= len(set(pattern) - points) else pattern

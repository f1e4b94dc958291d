"""ImageSpec, SequenceSpec and Alphabet: the sizes and classes that builders receive.

Shape letters, here and everywhere: N batch, C channels, H height, W width, F features, T frames,
D head width, K classes with the blank, L label length. The blank is class 0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, get_args

from ctcbench.contract.errors import UsageError
from ctcbench.contract.frame_order import right_to_left_order

BLANK = 0
_SHOWN = 100  # characters of an alphabet, or code points of any text, in an error message
Alignment = Literal["ctc", "fixed"]
"""How frames are aligned with characters. ``ctc``: a character takes one or more consecutive frames, blanks
may stand between characters, and a decoder merges repeats before it removes blanks. ``fixed``: frame i is
character i, nothing is merged, and the remaining frames are blank."""


Direction = Literal["ltr", "rtl"]
"""The direction in which the text of an image is read: from left to right, or from right to left."""

Ground = Literal["white", "black", "auto"]
"""What transparent pixels of a picture become. ``auto``: black in a picture of which less than half is
visible, and that rather light than dark, such as white letters on a transparent ground; else white."""


@dataclass(frozen=True)
class ImageSpec:
    """The size of the images of a data set, in pixels: ``channels`` × ``height`` × ``width``.

    Attributes:
        variable: whether images have widths of their own, from 1 to ``width`` columns.
        crop: share of the rows of a picture that is left out at its top, and at its bottom, before it is
            scaled to this size.
        ground: what transparent pixels of a picture become.
    """

    height: int
    width: int
    channels: int = 1
    variable: bool = False
    crop: float = 0.0
    ground: Ground = "white"


@dataclass(frozen=True)
class SequenceSpec:
    """The size of a sequence: ``frames`` (T) of ``features`` (F or D) numbers each."""

    frames: int
    features: int


@dataclass(frozen=True)
class Alphabet:
    """The characters of a recogniser: class ``i + 1`` is ``characters[i]``, class 0 is the blank.

    Attributes:
        characters: the characters, each once: a text of code points, or a tuple if any of them is a cluster
            of several code points, as a letter with combining marks. A text is read as the longest characters
            that it begins with, one after the other.
        direction: the direction in which the text of an image is read. With ``rtl`` the frames of a
            recogniser begin at the right end of the image, and labellings are in the order of the frames:
            texts in logical order are converted as `frame_order.reorder_right_to_left` describes.

    Raises:
        UsageError: the alphabet is empty or contains a character twice, or the direction is unknown.
    """

    characters: str | tuple[str, ...]
    direction: Direction = "ltr"

    def __post_init__(self) -> None:
        if not isinstance(self.characters, str):
            if "" in self.characters:
                raise UsageError("the alphabet has an empty character")
            single = all(len(character) == 1 for character in self.characters)
            # One form for one alphabet: equal alphabets have equal attributes.
            form = "".join(self.characters) if single else tuple(self.characters)
            object.__setattr__(self, "characters", form)
        if not self.characters:
            raise UsageError("the alphabet is empty: it needs at least one character")
        # A text with a repeated character would have two encodings.
        repeated = sorted(c for c, count in Counter(self.characters).items() if count > 1)
        if repeated:
            raise UsageError(f"alphabet {self._shown} has {_quoted(''.join(repeated))} more than once")
        if self.direction not in get_args(Direction):
            raise UsageError(f"direction={self.direction}: allowed are {', '.join(get_args(Direction))}")

    @property
    def num_classes(self) -> int:
        """K, the number of classes, including the blank."""
        return len(self.characters) + 1

    @property
    def _shown(self) -> str:
        """The characters as error messages quote them; of many, only the first."""
        more = len(self.characters) - _SHOWN
        shown = _quoted(self.joined(self.characters[:_SHOWN]))
        return shown if more <= 0 else f"{shown} (and {more:,} more)"

    @cached_property
    def _class_of(self) -> dict[str, int]:
        return {character: index + 1 for index, character in enumerate(self.characters)}

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if isinstance(self.characters, str):
            return None
        # The longest first: a letter is also the beginning of the letter with a mark.
        longest = sorted(self.characters, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest)) + "|.", re.DOTALL)

    def joined(self, characters: Sequence[str]) -> str:
        """Return characters in a row for display, clusters separated by spaces."""
        return ("" if isinstance(self.characters, str) else " ").join(characters)

    def split(self, text: str) -> Sequence[str]:
        """Return the characters of `text`; one that this alphabet lacks is a code point."""
        return text if self._pattern is None else self._pattern.findall(text)

    def missing(self, text: str) -> str:
        """Return the characters of `text` that are not in this alphabet, each once, in order."""
        # dict.fromkeys() keeps the order, which a set does not.
        return "".join(dict.fromkeys(c for c in self.split(text) if c not in self._class_of))

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the labelling (classes, no blanks) of `text`.

        Raises:
            UsageError: a character of `text` is not in the alphabet.
        """
        if missing := self.missing(text):
            raise UsageError(f"{_quoted(text)} has {_quoted(missing)}, which alphabet {self._shown} lacks")
        return tuple(self._class_of[c] for c in self.frame_order(text))

    def frame_order(self, text: str) -> Sequence[str]:
        """Return the characters of `text` in the order of the frames, divided as `split` does."""
        return self._reordered(self.split(text))

    def decode(self, labels: Iterable[int]) -> str:
        """Return the text of a labelling (classes 1 to K − 1)."""
        return "".join(self._reordered([self.characters[label - 1] for label in labels]))

    def _reordered(self, characters: Sequence[str]) -> Sequence[str]:
        """Return characters in the order of the text as those in the order of the frames, or the inverse."""
        if self.direction == "ltr":
            return characters
        return [characters[index] for index in right_to_left_order(characters)]

    def text_order(self, labels: Sequence[int]) -> Sequence[int]:
        """Return the indices of the characters of a labelling in the order of its text."""
        if self.direction == "ltr":
            return range(len(labels))
        return right_to_left_order([self.characters[label - 1] for label in labels])

    def path(self, labels: Iterable[int], blank: str = "·") -> str:
        """Return a frame path (classes 0 to K − 1) as text, the blank shown as `blank`."""
        return "".join(blank if label == BLANK else self.characters[label - 1] for label in labels)


def _quoted(text: str) -> str:
    # A character may be a cluster of many code points.
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def alphabet_characters(document: str | Sequence[str]) -> str | tuple[str, ...]:
    """Return the characters of an `Alphabet` that JSON holds: a text, or a list where some are clusters."""
    return document if isinstance(document, str) else tuple(document)


def frames_needed(labels: Sequence[int] | Sequence[str], alignment: Alignment = "ctc") -> int:
    """Return the smallest number of frames that can encode `labels`, classes or characters."""
    # With CTC, a blank must separate two equal labels, as a decoder merges repeats.
    return len(labels) + (sum(a == b for a, b in pairwise(labels)) if alignment == "ctc" else 0)

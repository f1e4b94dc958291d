"""The form of labels: Unicode normal form and letter case."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.contract.data import LONGEST_TEXT

NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]
LetterCase = Literal["keep", "fold", "lower", "upper"]
_IN_CASE = {"fold": str.casefold, "lower": str.lower, "upper": str.upper}
E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class LabelForm:
    """The form that labels are brought into, whatever source they come from."""

    unicode: NormalForm = "NFC"
    case: LetterCase = "keep"

    def of(self, text: str) -> str:
        """Return a text in this form."""
        text = unicodedata.normalize(self.unicode, text)
        if self.case == "keep":
            return text
        # Once more, because the other case of a letter can have a normal form of its own.
        return unicodedata.normalize(self.unicode, _IN_CASE[self.case](text))

    def apply(self, entries: Iterable[E]) -> Iterator[E]:
        """Yield the entries with their labels in this form; one that becomes too long is left without."""
        for entry in entries:
            if entry.text is None or (text := self.of(entry.text)) == entry.text:
                yield entry
            elif len(text) > LONGEST_TEXT:
                reason = f"its label has {len(text):,} characters in {self.unicode}, case={self.case}"
                yield dataclasses.replace(entry, text=None, reason=reason)
            else:
                yield dataclasses.replace(entry, text=text)

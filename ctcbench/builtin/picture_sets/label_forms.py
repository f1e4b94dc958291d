"""The form of labels: Unicode normal form and letter case."""

from __future__ import annotations

import dataclasses
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.contract.data import LONGEST_TEXT

NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]
LetterCase = Literal["keep", "fold", "lower", "upper"]
_IN_CASE = {"fold": str.casefold, "lower": str.lower, "upper": str.upper}


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

    def apply(self, entries: EntryList[Any]) -> None:
        """Bring the labels of entries into this form; one that becomes too long is replaced by the reason."""
        for index, old in enumerate(entries.texts()):
            if old is None or (text := self.of(old)) == old:
                continue
            if len(text) > LONGEST_TEXT:
                reason = f"its label has {len(text):,} characters in {self.unicode}, case={self.case}"
                entries[index] = dataclasses.replace(entries[index], text=None, reason=reason)
            else:
                entries[index] = dataclasses.replace(entries[index], text=text)

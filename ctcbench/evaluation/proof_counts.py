"""ProofCounts: of how many texts a decoder has proven that no other one has a higher score."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ctcbench.decoding import BestLabelling

# Words for a proof that is none of a text.
_WORDS = {"nothing accepted": "no permitted text"}


@dataclass(frozen=True)
class ProofCounts:
    """The proofs of several texts.

    Attributes:
        images: number of images.
        proofs: number of images by what proved the text, as `BestLabelling.proof`, most frequent first;
            without those that are not proven.
        largest_gap: of the texts that are not proven, the largest difference by which the log-probability
            of another one can be higher; 0 if all are proven, infinite if it is not known for one of them.
    """

    images: int
    proofs: Mapping[str, int]
    largest_gap: float

    @property
    def proven(self) -> int:
        """Number of images whose text is proven."""
        return sum(self.proofs.values())

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a JSON document, in which an infinite gap is None."""
        return {
            "images": self.images,
            "proven": self.proven,
            "proofs": dict(self.proofs),
            "largest_gap": self.largest_gap if self.largest_gap < math.inf else None,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ProofCounts:
        """Return the counts of a document that `to_json` wrote and whose types were checked."""
        gap = document["largest_gap"]
        return cls(document["images"], document["proofs"], math.inf if gap is None else gap)

    def __str__(self) -> str:
        how = ", ".join(f"{_WORDS.get(name, name)} {count:,}" for name, count in self.proofs.items())
        found = f"{self.proven:,} of {self.images:,}" + (f" ({how})" if how else "")
        if self.proven == self.images:
            return found
        limit = f"gap at most {self.largest_gap:.3g}" if self.largest_gap < math.inf else "gap not known"
        return f"{found}; of the others a more probable text may exist, {limit}"


@dataclass
class ProofTally:
    """Counts proofs as they come."""

    _images: int = 0
    _proofs: Counter[str] = field(default_factory=Counter)
    _largest_gap: float = 0.0

    def add(self, *, optimal: bool, gap: float, proof: str) -> None:
        """Count the text of an image."""
        self._images += 1
        self._largest_gap = max(self._largest_gap, gap)
        if optimal:
            self._proofs[proof] += 1

    def counts(self) -> ProofCounts | None:
        """Return the counts; None if no text was counted."""
        if not self._images:
            return None
        return ProofCounts(self._images, dict(self._proofs.most_common()), self._largest_gap)


def count_proofs(best: Iterable[BestLabelling]) -> ProofCounts | None:
    """Return the counts of the proofs of labellings; None if there are none."""
    tally = ProofTally()
    for one in best:
        tally.add(optimal=one.optimal, gap=one.gap, proof=one.proof)
    return tally.counts()

"""LackingLabels: validation and test samples whose texts have characters that the alphabet lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.specs import Alphabet
from ctcbench.contract.word_lists import counted, join_words
from ctcbench.files.lacking_characters import count_lacking, list_occurrences
from ctcbench.files.text import is_invisible

_MOST_IN_ADVICE = 20  # characters that a suggested alphabet has


@dataclass(frozen=True)
class LackingLabels:
    """Samples that no output can match, because the alphabet lacks characters of their texts.

    Attributes:
        occurrences: how often each of these characters occurs.
        affected: the number of such samples, by split; splits without any are left out.
        totals: the number of all samples of these splits.
    """

    occurrences: Mapping[str, int]
    affected: Mapping[SplitName, int]
    totals: Mapping[SplitName, int]

    def are_all_of(self, split: SplitName) -> bool:
        """Return whether no sample of a split can be read right."""
        return self.affected.get(split, 0) == self.totals.get(split)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a JSON document."""
        return {"occurrences": dict(self.occurrences), "samples": dict(self.affected)}

    def describe(self, dataset: str) -> str:
        """Return what becomes of the samples and how to change that, in one line.

        Args:
            dataset: component string of the data set that the samples are of.
        """
        samples = join_words(
            f"{number:,} of {counted(self.totals[split], 'sample')} of {split!r}"
            for split, number in self.affected.items()
        )
        return (
            f"{samples} have characters that the alphabet lacks: {list_occurrences(self.occurrences)}. Such "
            f"samples are scored and count as errors. {self._remedy(dataset)}"
        )

    def _remedy(self, dataset: str) -> str:
        # A class alone would not help: without examples it is never read.
        wanted = "To read them, a training needs pictures that show them"
        options = ComponentString.parse(dataset).options
        given = options.get("alphabet", "auto")
        if given != "auto" and not given.startswith("auto+"):
            return f"{wanted}, and an alphabet with these characters"
        characters = "".join(sorted(self.occurrences))
        # Clusters are counted by their code points, and what is invisible can't be typed.
        is_short = len(characters) <= _MOST_IN_ADVICE and options.get("characters") != "clusters"
        shown = f"[{characters}]" if is_short and not any(map(is_invisible, characters)) else "[…]"
        wider = str(ComponentString("folder", {"alphabet": f"{given}+{shown}"})).partition(":")[2]
        return f"{wanted}; {wider} adds their classes, not what they look like"


def find_lacking_labels(samples: Mapping[SplitName, Samples], alphabet: Alphabet) -> LackingLabels | None:
    """Return the samples whose texts have characters that an alphabet lacks; None if there are none.

    Training samples have no such texts.
    """
    occurrences: Counter[str] = Counter()
    affected: dict[SplitName, int] = {}
    for split, found in samples.items():
        if split != "train":
            lacking, affected[split] = count_lacking(found.texts, alphabet)
            occurrences += lacking
    if not occurrences:
        return None
    affected = {split: number for split, number in affected.items() if number}
    return LackingLabels(occurrences, affected, {split: len(samples[split]) for split in affected})

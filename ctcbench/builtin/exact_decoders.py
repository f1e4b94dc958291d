"""The built-in decoder `best_cpp`: the most probable labelling, with a proof."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ctcbench.builtin.decoder_constraints import (
    Characters,
    Length,
    Lexicon,
    Pattern,
    Positions,
    UnwritableWords,
    build_constraint,
    warn_of_no_texts,
)
from ctcbench.builtin.decoder_guides import BEAM_PER_TEXT
from ctcbench.builtin.decoders import Decode, Penalty, Threads, Width, penalty_objective
from ctcbench.contract.components import decoder
from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK, Alphabet
from ctcbench.decoding.hypothesis import Hypothesis

if TYPE_CHECKING:
    from ctcbench.decoding import BestLabelling, ScoredHypothesis
    from ctcbench.decoding.constraints import Automaton

_WITHIN = "the best text within a constraint"

Nodes = Annotated[
    int,
    Field(ge=0, le=10_000_000, description="prefixes that the search for a proof may store for an image"),
]


@decoder
def best_cpp(
    alphabet: Alphabet,
    *,
    nodes: Nodes = 10_000,
    width: Width = 25,
    threads: Threads = 1,
    blank_penalty: Penalty = 0.0,
    pattern: Pattern = None,
    length: Length = None,
    characters: Characters = None,
    positions: Positions = (),
    lexicon: Lexicon = None,
    unwritable_words: UnwritableWords = "error",
) -> Decode:
    """The most probable labelling, within constraints, proven where `nodes` suffices; in C++."""
    constraint = build_constraint(
        alphabet,
        pattern=pattern,
        length=length,
        characters=characters,
        positions=positions,
        lexicon=lexicon,
        unwritable_words=unwritable_words,
    )
    return _Best(nodes, width, threads, blank_penalty, constraint)


@dataclass(frozen=True)
class _Best:
    """The decoder `best_cpp` with its options; `within` is the constraint, None without one."""

    nodes: int
    width: int
    threads: int
    blank_penalty: float
    within: Automaton | None

    @property
    def has_own_score(self) -> bool:
        """Whether the log-probabilities are not those of the network alone."""
        return self.blank_penalty > 0

    @property
    def objective(self) -> str | None:
        """What is searched in place of the most probable of all labellings."""
        return penalty_objective(self.blank_penalty) if self.within is None else _WITHIN

    @property
    def constraint(self) -> Automaton | None:
        """What has to accept the most probable labelling; None if that is not what is searched."""
        return None if self.has_own_score else self.within

    def __call__(self, read: LogProbs) -> list[Hypothesis]:
        if self.within is None:
            # There is always a labelling, so that nobody reads the proofs, which take time.
            found: list[Hypothesis] = self._search(read, proofs=False)
            return found
        return [Hypothesis(best.labels, best.log_prob, ()) for best in self.with_proofs(read)]

    def with_proofs(self, read: LogProbs) -> list[BestLabelling]:
        """Return the most probable labelling of each image, and whether that is proven.

        With a blank penalty the proof is for the probabilities from which it is subtracted.
        """
        found: list[BestLabelling] = self._search(read, proofs=True)
        missing = [n for n, best in enumerate(found) if best.log_prob == -math.inf]
        if missing and self.within is not None:
            frames = [int(read.lengths_N[n]) for n in missing]
            zero = "those that fit have probability zero"
            if not all(found[n].optimal for n in missing):
                zero += ", or a search of a million steps is too short to find one"
            warn_of_no_texts("best_cpp", [self.within], frames, len(found), otherwise=zero)
        return found

    def _search(self, read: LogProbs, *, proofs: bool) -> Any:
        from ctcbench.decoding import best_labelling

        return best_labelling(
            read.values_NTK,
            read.lengths_N,
            nodes=self.nodes,
            beam_width=self.width,
            blank=BLANK,
            threads=self.threads or None,
            blank_penalty=self.blank_penalty,
            proofs=proofs,
            guide=self.within,
        )

    def n_best(self, read: LogProbs, count: int) -> list[list[Hypothesis]]:
        """Return up to `count` hypotheses for each image, that of the highest exact log-probability first.

        The first is the one of `with_proofs` if that is proven. The others are those that a beam finds, so
        that a more probable one than the second may be missing.
        """
        from ctcbench.decoding import beam_search, rescore

        threads, width = self.threads or None, max(self.width, BEAM_PER_TEXT * count)
        beams = beam_search(
            read.values_NTK,
            read.lengths_N,
            beam_width=width,
            blank=BLANK,
            # More than are returned: the scores of the beam are lower bounds, so the order can change.
            n_best=width,
            threads=threads,
            blank_penalty=self.blank_penalty,
            frames=False,
            guide=self.within,
        )
        scored = rescore(
            read.values_NTK,
            beams,
            read.lengths_N,
            blank=BLANK,
            threads=threads,
            blank_penalty=self.blank_penalty,
        )
        return [_joined(best, more, count) for best, more in zip(self.with_proofs(read), scored, strict=True)]


def _joined(best: BestLabelling, more: Sequence[ScoredHypothesis], count: int) -> list[Hypothesis]:
    """Return up to `count` hypotheses, the best one first if it is proven, else wherever it belongs."""
    if best.log_prob == -math.inf:
        return []
    found = [Hypothesis(one.labels, one.log_prob, ()) for one in more if one.labels != best.labels]
    first = [Hypothesis(best.labels, best.log_prob, ())]
    if not best.optimal:
        # A stable sort: the choice of the decoder is first also where another one is as probable.
        first, found = [], sorted([*first, *found], key=lambda one: -one.log_prob)
    return [*first, *found][:count]

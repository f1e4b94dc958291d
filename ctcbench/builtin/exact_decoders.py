"""The built-in decoder `best_cpp`: the most probable labelling, with a proof."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

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
from ctcbench.builtin.decoders import Decode, Penalty, Threads, Width, with_objective
from ctcbench.contract.components import decoder
from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK, Alphabet
from ctcbench.decoding.hypothesis import Hypothesis

if TYPE_CHECKING:
    from ctcbench.decoding.constraints import Automaton

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
    if constraint is not None:
        return _BestWithin(nodes, width, threads, blank_penalty, constraint)
    from ctcbench.decoding import best_labelling

    def decode(read: LogProbs) -> list[Hypothesis]:
        found: list[Hypothesis] = best_labelling(
            read.values_NTK,
            read.lengths_N,
            nodes=nodes,
            beam_width=width,
            blank=BLANK,
            threads=threads or None,
            blank_penalty=blank_penalty,
            proofs=False,
        )
        return found

    return with_objective(decode, blank_penalty)


@dataclass(frozen=True)
class _BestWithin:
    """The decoder `best_cpp` within a constraint, with its options."""

    nodes: int
    width: int
    threads: int
    blank_penalty: float
    within: Automaton
    objective: str = "the best text within a constraint"

    @property
    def has_own_score(self) -> bool:
        """Whether the log-probabilities are not those of the network alone."""
        return self.blank_penalty > 0

    @property
    def constraint(self) -> Automaton | None:
        """What has to accept the most probable labelling; None if that is not what is searched."""
        return None if self.has_own_score else self.within

    def __call__(self, read: LogProbs) -> list[Hypothesis]:
        from ctcbench.decoding import BestLabelling, best_labelling

        found: list[BestLabelling] = best_labelling(
            read.values_NTK,
            read.lengths_N,
            nodes=self.nodes,
            beam_width=self.width,
            blank=BLANK,
            threads=self.threads or None,
            blank_penalty=self.blank_penalty,
            guide=self.within,
        )
        missing = [n for n, best in enumerate(found) if best.log_prob == -math.inf]
        if missing:
            frames = [int(read.lengths_N[n]) for n in missing]
            zero = "those that fit have probability zero"
            if not all(found[n].optimal for n in missing):
                zero += ", or a search of a million steps is too short to find one"
            warn_of_no_texts("best_cpp", [self.within], frames, len(found), otherwise=zero)
        return [Hypothesis(best.labels, best.log_prob, ()) for best in found]

    def n_best(self, read: LogProbs, count: int) -> list[list[Hypothesis]]:
        """Return up to `count` hypotheses for each image, the most probable one and those of a beam."""
        from ctcbench.decoding import beam_search

        others = beam_search(
            read.values_NTK,
            read.lengths_N,
            beam_width=max(self.width, BEAM_PER_TEXT * count),
            blank=BLANK,
            n_best=count,
            threads=self.threads or None,
            blank_penalty=self.blank_penalty,
            frames=False,
            guide=self.within,
        )
        return [
            [best, *(other for other in more if other.labels != best.labels)][:count]
            if best.log_prob > -math.inf
            else []
            for best, more in zip(self(read), others, strict=True)
        ]

"""The built-in decoder `best_cpp`: the most probable labelling, with a proof."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ctcbench.builtin.decoders import Decode, Penalty, Threads, Width, with_objective
from ctcbench.contract.components import decoder
from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK, Alphabet
from ctcbench.decoding.hypothesis import Hypothesis

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
) -> Decode:
    """The most probable labelling, proven where `nodes` suffices: best path, prefix search, beam; in C++."""
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

"""The built-in decoders that score labellings exactly: the most probable one, and the one of least risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

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
# The distances of all pairs take 300 MB.
RiskWidth = Annotated[int, Field(ge=1, le=5_000, description="labellings kept after each frame")]
Metric = Annotated[
    Literal["edit", "exact", "char"],
    Field(
        description="the error to expect least of: edits, texts that are wrong, or positions that are "
        "(char: additional characters at the end do not count, and become frequent)"
    ),
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


@decoder
def mbr(
    alphabet: Alphabet,
    *,
    metric: Metric = "edit",
    width: RiskWidth = 25,
    threads: Threads = 1,
    blank_penalty: Penalty = 0.0,
) -> Decode:
    """Minimum Bayes risk: the labelling of the beam with the least expected error by exact probabilities."""
    return _LeastRisk(metric, width, threads, blank_penalty)


@dataclass(frozen=True)
class _LeastRisk:
    """The decoder `mbr` with its options."""

    metric: Literal["edit", "exact", "char"]
    width: int
    threads: int
    blank_penalty: float
    objective: str = "the text with the least expected error"

    def __call__(self, read: LogProbs) -> list[Hypothesis]:
        from ctcbench.decoding import beam_search, minimum_bayes_risk, rescore

        found = beam_search(
            read.values_NTK,
            read.lengths_N,
            beam_width=self.width,
            n_best=self.width,
            blank=BLANK,
            threads=self.threads or None,
            blank_penalty=self.blank_penalty,
            frames=False,
        )
        rescored = rescore(
            read.values_NTK,
            found,
            read.lengths_N,
            blank=BLANK,
            threads=self.threads or None,
            blank_penalty=self.blank_penalty,
        )
        chosen = [minimum_bayes_risk(hypotheses, metric=self.metric).hypothesis for hypotheses in rescored]
        return [Hypothesis(one.labels, one.log_prob, ()) for one in chosen]

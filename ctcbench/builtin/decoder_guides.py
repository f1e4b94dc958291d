"""GuidedBeam: the beam search of decoders, within constraints and with language models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ctcbench.builtin.decoder_constraints import warn_of_no_texts
from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK
from ctcbench.decoding.hypothesis import Hypothesis

if TYPE_CHECKING:
    from ctcbench.decoding import Hotwords, LanguageModel
    from ctcbench.decoding.constraints import Automaton

    Guides = Sequence[Automaton | LanguageModel | Hotwords]

BEAM_PER_TEXT = 4


@dataclass(frozen=True)
class GuidedBeam:
    """A prefix beam search with the options of a decoder.

    Attributes:
        decoder: the name of the decoder, for notices.
        width: number of labellings kept after each frame.
        threads: number of threads, 0 for one per core.
        blank_penalty: subtracted from the blank's log-probability.
        guides: the constraint, the language model and the hotwords, each if there is one.
    """

    decoder: str
    width: int
    threads: int
    blank_penalty: float
    guides: Guides

    def wide_enough(self, count: int) -> int:
        """Return the width of a search for the `count` most probable hypotheses."""
        return max(self.width, BEAM_PER_TEXT * count)

    def search(self, read: LogProbs, count: int, width: int) -> list[list[Hypothesis]]:
        """Return up to `count` hypotheses for each image, best first; none where none is permitted.

        Warns with `ComponentNotice` where the guides leave no hypothesis.
        """
        # Not at the top: it imports numpy, for which --help must not wait.
        from ctcbench.decoding import beam_search

        found: list[list[Hypothesis]] = beam_search(
            read.values_NTK,
            read.lengths_N,
            beam_width=width,
            blank=BLANK,
            n_best=count,
            threads=self.threads or None,
            blank_penalty=self.blank_penalty,
            frames=False,
            guide=self.guides,
        )
        if self.guides and not all(found):
            frames = [int(n) for n, some in zip(read.lengths_N, found, strict=True) if not some]
            lost = f"those that fit have probability zero, or the beam of width {width:,} lost them"
            warn_of_no_texts(self.decoder, self.guides, frames, len(found), otherwise=lost)
        return found

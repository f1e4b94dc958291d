"""The built-in decoder `mbr`: the text of least expected error among those of a beam search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ctcbench.builtin.decoder_constraints import (
    Characters,
    Length,
    Lexicon,
    Pattern,
    Positions,
    UnwritableWords,
    build_constraint,
)
from ctcbench.builtin.decoder_guides import GuidedBeam
from ctcbench.builtin.decoder_models import (
    HOTWORD_BOOST,
    LENGTH_BONUS,
    LM_WEIGHT,
    UNKNOWN_PENALTY,
    HotwordBoost,
    HotwordList,
    LanguageModelFile,
    LengthBonus,
    LmWeight,
    UnknownPenalty,
    UnknownWords,
    build_models,
)
from ctcbench.builtin.decoders import Decode, Penalty, Threads, Width
from ctcbench.contract.components import decoder
from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK, Alphabet
from ctcbench.decoding.hypothesis import Hypothesis, best_or_nothing

if TYPE_CHECKING:
    from ctcbench.decoding import Hotwords, LanguageModel
    from ctcbench.decoding.labelling_scores import ScoredHypothesis

Metric = Annotated[
    Literal["edit", "exact", "char"],
    Field(
        description="the error to expect least of: edits, texts that are wrong, or positions that are "
        "(char: additional characters at the end do not count, and become frequent)"
    ),
]


@decoder
def mbr(
    alphabet: Alphabet,
    *,
    metric: Metric = "edit",
    width: Width = 25,
    threads: Threads = 1,
    blank_penalty: Penalty = 0.0,
    pattern: Pattern = None,
    length: Length = None,
    characters: Characters = None,
    positions: Positions = (),
    lexicon: Lexicon = None,
    unwritable_words: UnwritableWords = "error",
    lm: LanguageModelFile = None,
    lm_weight: LmWeight = LM_WEIGHT,
    length_bonus: LengthBonus = LENGTH_BONUS,
    unknown_penalty: UnknownPenalty = UNKNOWN_PENALTY,
    unknown_words: UnknownWords = True,
    hotwords: HotwordList = (),
    hotword_boost: HotwordBoost = HOTWORD_BOOST,
) -> Decode:
    """Minimum Bayes risk: of the texts of beam_cpp the one with the least expected error, by exact scores."""
    constraint = build_constraint(
        alphabet,
        pattern=pattern,
        length=length,
        characters=characters,
        positions=positions,
        lexicon=lexicon,
        unwritable_words=unwritable_words,
    )
    models = build_models(
        alphabet,
        lm=lm,
        lm_weight=lm_weight,
        length_bonus=length_bonus,
        unknown_penalty=unknown_penalty,
        unknown_words=unknown_words,
        hotwords=hotwords,
        hotword_boost=hotword_boost,
    )
    guides = [*([] if constraint is None else [constraint]), *models]
    search = GuidedBeam("mbr", width, threads, blank_penalty, guides)
    return _LeastRisk(metric, search, models, bool(models) or blank_penalty > 0)


@dataclass(frozen=True)
class _LeastRisk:
    """The decoder `mbr` with its options.

    `models` are the guides that have weights, which a constraint has not. `ranks_by_log_prob` is false: the
    text of least risk need not be the most probable one.
    """

    metric: Literal["edit", "exact", "char"]
    beam: GuidedBeam
    models: Sequence[LanguageModel | Hotwords]
    has_own_score: bool
    ranks_by_log_prob: bool = False
    objective: str = "the text with the least expected error"

    def __call__(self, read: LogProbs) -> list[Hypothesis]:
        # Not at the top: they import numpy, for which --help must not wait.
        from ctcbench.decoding.bayes_risk import least_risks
        from ctcbench.decoding.beam import check_threads

        candidates = self._rescored(read, self.beam.width)
        choices = least_risks(
            [hypotheses for hypotheses in candidates if hypotheses],
            metric=self.metric,
            threads=check_threads(self.beam.threads or None),
        )
        chosen = iter(_plain([choice.hypothesis for choice in choices]))
        return [best_or_nothing([next(chosen)] if hypotheses else []) for hypotheses in candidates]

    def n_best(self, read: LogProbs, count: int) -> list[list[Hypothesis]]:
        """Return up to `count` of the candidates of each image, the most probable one first."""
        return [_plain(some[:count]) for some in self._rescored(read, self.beam.wide_enough(count))]

    def _rescored(self, read: LogProbs, width: int) -> list[list[ScoredHypothesis]]:
        """Return the hypotheses of a beam with their exact scores, of network and models, best first."""
        from ctcbench.decoding import rescore

        rescored: list[list[ScoredHypothesis]] = rescore(
            read.values_NTK,
            # All of them: the scores of the beam are lower bounds, so the order can change.
            self.beam.search(read, width, width),
            read.lengths_N,
            blank=BLANK,
            threads=self.beam.threads or None,
            blank_penalty=self.beam.blank_penalty,
            guide=self.models,
        )
        return rescored


def _plain(hypotheses: Sequence[ScoredHypothesis | Hypothesis]) -> list[Hypothesis]:
    return [Hypothesis(one.labels, one.log_prob, ()) for one in hypotheses]

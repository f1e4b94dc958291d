"""The built-in decoders: best path for CTC and for slots, and prefix beam search in Python and C++."""

from __future__ import annotations

from collections.abc import Callable
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
from ctcbench.contract.components import decoder
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import BLANK, Alphabet
from ctcbench.decoding.hypothesis import Hypothesis, best_or_nothing

if TYPE_CHECKING:
    from ctcbench.decoding.constraints import Automaton

# The built-in decoders leave out the frames of the characters: texts and scores do not depend on them.
Decode = Callable[[LogProbs], list[Hypothesis]]
_MOST_EXTENSIONS = 2**22  # of all labellings in the beam of plain Python: some 2 GB
# With 10,000 the search in plain Python takes minutes for a text.
Width = Annotated[int, Field(ge=1, le=10_000, description="labellings kept after each frame")]
Threads = Annotated[
    int, Field(ge=0, le=1024, description="threads, which share the images (0: one per core)")
]
Penalty = Annotated[
    float,
    Field(ge=0, le=100, description="subtracted from the blank's log-probability before renormalisation"),
]


@dataclass(frozen=True)
class _OneBest:
    """A decoder that is a function, with what it searches in place of the most probable labelling."""

    decode: Decode
    objective: str | None

    def __call__(self, read: LogProbs) -> list[Hypothesis]:
        return self.decode(read)


def with_objective(decode: Decode, blank_penalty: float) -> Decode:
    """Return a decoder that has the attribute ``objective``: with a penalty other texts are the best."""
    return _OneBest(decode, penalty_objective(blank_penalty))


def penalty_objective(blank_penalty: float) -> str | None:
    """Return what a decoder searches that subtracts a penalty; None without one."""
    return f"the best labelling with blank_penalty={blank_penalty:g}" if blank_penalty else None


@decoder
def greedy(alphabet: Alphabet, *, blank_penalty: Penalty = 0.0) -> Decode:
    """Best path: each frame's most probable class, repeats merged, blanks dropped."""
    # Here, because it loads numpy and the extension, for which --help must not wait.
    from ctcbench.decoding import greedy_search

    def decode(read: LogProbs) -> list[Hypothesis]:
        found: list[Hypothesis] = greedy_search(
            read.values_NTK, read.lengths_N, blank=BLANK, blank_penalty=blank_penalty, frames=False
        )
        return found

    return with_objective(decode, blank_penalty)


@decoder(alignment="fixed")
def slots(alphabet: Alphabet, *, blank_penalty: Penalty = 0.0) -> Decode:
    """For the loss `slots`: each frame's most probable class, nothing merged, blanks dropped."""
    from ctcbench.decoding import greedy_search

    return lambda read: greedy_search(
        read.values_NTK,
        read.lengths_N,
        blank=BLANK,
        blank_penalty=blank_penalty,
        # Equal neighbours are two characters here: frame i is character i.
        merge_repeats=False,
        frames=False,
    )


@decoder
def beam(alphabet: Alphabet, *, width: Width = 25, blank_penalty: Penalty = 0.0) -> Decode:
    """Prefix beam search in plain Python: the slow reference."""
    if width * alphabet.num_classes > _MOST_EXTENSIONS:
        most = _MOST_EXTENSIONS // alphabet.num_classes
        raise UsageError(
            f"width={width}: with an alphabet of {len(alphabet.characters):,} characters at most {most:,} "
            "are supported; beam_cpp takes more"
        )
    from ctcbench.decoding.reference import beam_search_reference

    def decode(read: LogProbs) -> list[Hypothesis]:
        found = beam_search_reference(
            read.values_NTK,
            read.lengths_N,
            beam_width=width,
            blank=BLANK,
            blank_penalty=blank_penalty,
            frames=False,
        )
        return [hypotheses[0] for hypotheses in found]

    return with_objective(decode, blank_penalty)


@decoder
def beam_cpp(
    alphabet: Alphabet,
    *,
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
    """Prefix beam search in C++: the same results as `beam`, within constraints, with a language model."""
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
    search = GuidedBeam("beam_cpp", width, threads, blank_penalty, guides)
    has_own_score = bool(models) or blank_penalty > 0
    return _BeamDecoder(search, has_own_score, None if has_own_score else constraint)


@dataclass(frozen=True)
class _BeamDecoder:
    """A prefix beam search with its options.

    Within a constraint the score is still the probability of the network: `has_own_score` is then false, and
    the search is for the most probable labelling that `constraint` accepts.
    """

    beam: GuidedBeam
    has_own_score: bool
    constraint: Automaton | None

    @property
    def objective(self) -> str | None:
        """What is searched in place of the most probable of all labellings."""
        if self.beam.guides:
            return "the best text within a constraint, a language model or hotwords"
        return penalty_objective(self.beam.blank_penalty)

    def __call__(self, read: LogProbs) -> list[Hypothesis]:
        return [best_or_nothing(hypotheses) for hypotheses in self.beam.search(read, 1, self.beam.width)]

    def n_best(self, read: LogProbs, count: int) -> list[list[Hypothesis]]:
        """Return up to `count` hypotheses for each image, best first; none where none is permitted."""
        return self.beam.search(read, count, self.beam.wide_enough(count))

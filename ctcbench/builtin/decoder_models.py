"""Language models and hotwords as options of decoders: their types, and the guides of the search."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ctcbench.contract.errors import ComponentNotice, UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.files.attached_files import AttachedFile, attached_content, attached_name
from ctcbench.files.spelling import spell

if TYPE_CHECKING:
    from ctcbench.decoding import Hotwords, LanguageModel

LanguageModelFile = Annotated[
    AttachedFile,
    Field(
        description="language model: n-grams of characters or words, an ARPA file or a binary one of KenLM"
    ),
]
LmWeight = Annotated[
    float, Field(ge=0, le=100, description="factor of the logarithm of the language model's probability")
]
LengthBonus = Annotated[
    float,
    Field(ge=-100, le=100, description="added to a text's score for each character, or word, of the model"),
]
UnknownPenalty = Annotated[
    float,
    Field(ge=0, le=1000, description="subtracted for each character, or word, that the language model lacks"),
]
UnknownWords = Annotated[
    bool, Field(description="whether texts may have words that a language model of words lacks")
]
HotwordList = Annotated[
    tuple[str, ...], Field(description="words whose occurrences add to a text's score: 'Anna,Otto'")
]
HotwordBoost = Annotated[
    float, Field(ge=-50, le=50, description="what each occurrence of a hotword adds (natural logarithm)")
]
# A decoder has these defaults; other values without a model, or without hotwords, are a mistake.
LM_WEIGHT, LENGTH_BONUS, UNKNOWN_PENALTY = 0.5, 0.0, 10.0
HOTWORD_BOOST = 5.0


def build_models(
    alphabet: Alphabet,
    *,
    lm: str | None,
    lm_weight: float,
    length_bonus: float,
    unknown_penalty: float,
    unknown_words: bool,
    hotwords: tuple[str, ...],
    hotword_boost: float,
) -> list[LanguageModel | Hotwords]:
    """Return the guides of the language model and of the hotwords, each if there is one.

    Warns with `ComponentNotice` of characters and words that the model and the alphabet do not share.

    Raises:
        UsageError: the file of the model can't be used, a hotword can't be written with the alphabet, or an
            option has no effect without one of them.
    """
    # Not at the top: it imports numpy, for which --help must not wait.
    from ctcbench.decoding import Hotwords, LanguageModel
    from ctcbench.decoding.lm.arpa_reader import parse_arpa

    def in_frame_order(word: str) -> str:
        return "".join(alphabet.frame_order(spell(word, alphabet)))

    characters = [None, *alphabet.characters]
    found: list[LanguageModel | Hotwords] = []
    if lm is not None:
        try:
            model = LanguageModel(
                parse_arpa(attached_content(lm), attached_name(lm)),
                characters,
                weight=lm_weight,
                length_bonus=length_bonus,
                unknown_penalty=unknown_penalty,
                unknown_words=unknown_words,
                spell=in_frame_order,
            )
        except UsageError as error:
            raise UsageError(f"lm: {error}") from None
        for notice in model.notices:
            warnings.warn(f"lm={attached_name(lm)}: {notice}", ComponentNotice, stacklevel=2)
        found.append(model)
    elif (lm_weight, length_bonus, unknown_penalty, unknown_words) != (
        LM_WEIGHT,
        LENGTH_BONUS,
        UNKNOWN_PENALTY,
        True,
    ):
        raise UsageError("lm_weight, length_bonus, unknown_penalty and unknown_words need lm=FILE")
    if hotwords:
        found.append(Hotwords([in_frame_order(word) for word in hotwords], characters, boost=hotword_boost))
    elif hotword_boost != HOTWORD_BOOST:
        raise UsageError("hotword_boost needs hotwords='WORD,WORD'")
    return found

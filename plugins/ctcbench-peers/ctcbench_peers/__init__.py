"""Decoders of other projects, each with what it does otherwise than the exact prefix beam search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import Field

from ctcbench import Alphabet, Component, Hypothesis, LogProbs, decoder, hookimpl

Decode = Callable[[LogProbs], list[Hypothesis]]
Width = Annotated[int, Field(ge=1, le=100_000, description="entries kept after each frame")]


@decoder
def fast_ctc_decode(
    alphabet: Alphabet,
    *,
    width: Width = 25,
    threshold: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="ignore probabilities below this, less than one over the classes (0: no pruning)",
        ),
    ] = 0.0,
) -> Decode:
    """fast-ctc-decode (Rust): exact without threshold; no score; frames are where a node was created.

    It works on probabilities in float32, so that very long and flat sequences lose digits. Its frames
    are those at which the search first made a prefix, seldom the ones that carry the character.
    """
    from ctcbench_peers.wrap_fast_ctc_decode import searcher

    return searcher(alphabet, width, threshold)


@decoder
def pyctcdecode(
    alphabet: Alphabet,
    *,
    width: Width = 25,
    threshold: Annotated[
        float, Field(ge=0, lt=1, description="ignore probabilities below this (0: no pruning)")
    ] = 0.0,
) -> Decode:
    """pyctcdecode (Python): one labelling is several entries, by its last frame; no frames.

    Entries that differ in whether they end in a blank crowd each other out of the beam, so its answer
    and its score are those of a narrower search. It knows times of words, not of characters.
    """
    from ctcbench_peers.wrap_pyctcdecode import searcher

    return searcher(alphabet, width, threshold)


@decoder
def flashlight(
    alphabet: Alphabet,
    *,
    width: Width = 25,
    threshold: Annotated[
        float, Field(ge=0, description="drop entries so far below the best, natural log (0: no pruning)")
    ] = 0.0,
) -> Decode:
    """flashlight-text (C++), no lexicon: one labelling is several entries, by its last frame.

    Entries that differ in whether they end in a blank crowd each other out of the beam, so its answer
    and its score are those of a narrower search.
    """
    from ctcbench_peers.wrap_flashlight import searcher

    return searcher(alphabet, width, threshold)


@hookimpl
def ctcbench_components() -> Sequence[Component]:
    """Return what this plugin adds, installed or not: building one says what to install."""
    return [fast_ctc_decode, pyctcdecode, flashlight]

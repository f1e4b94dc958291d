"""CTC decoders of other projects as ctcbench decoders, with their differences from exact beam search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import Field

from ctcbench import Alphabet, Component, Hypothesis, LogProbs, decoder, hookimpl

Decode = Callable[[LogProbs], list[Hypothesis]]
Width = Annotated[int, Field(ge=1, le=100_000, description="entries kept after each frame")]
ClassThreshold = Annotated[
    float, Field(ge=0, lt=1, description="ignore probabilities below this (0: no pruning)")
]
Margin = Annotated[
    float, Field(ge=0, description="drop entries this far below the best, in natural log (0: no pruning)")
]


@decoder(requires=("fast_ctc_decode",))
def fast_ctc_decode(
    alphabet: Alphabet,
    *,
    width: Width = 25,
    threshold: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="ignore probabilities below this; less than 1 / number of classes (0: no pruning)",
        ),
    ] = 0.0,
) -> Decode:
    """fast-ctc-decode (Rust): exact without threshold; no score; frames are where a node was created.

    It computes with float32 probabilities, so very long or flat sequences lose precision. Its frames are
    those at which the search created a prefix; the character is often more probable in another frame.
    """
    from ctcbench_peers.wrap_fast_ctc_decode import searcher

    return searcher(alphabet, width, threshold)


@decoder(requires=("pyctcdecode",))
def pyctcdecode(
    alphabet: Alphabet, *, width: Width = 25, threshold: ClassThreshold = 0.0, margin: Margin = 0.0
) -> Decode:
    """pyctcdecode (Python): one labelling is several entries, by its last frame; no frames.

    Entries that differ only in whether they end in a blank compete for places in the beam, so its result
    and its score are those of a narrower search. It has frames for words but not for characters.
    """
    from ctcbench_peers.wrap_pyctcdecode import searcher

    return searcher(alphabet, width, threshold, margin)


@decoder(requires=("ctc_beam_decoder",))
def ctc_beam_decoder(
    alphabet: Alphabet, *, width: Width = 25, threshold: ClassThreshold = 0.0, margin: Margin = 0.0
) -> Decode:
    """ctc-beam-decoder (C++): the search of pyctcdecode, one labelling as several entries; no frames."""
    from ctcbench_peers.wrap_ctc_beam_decoder import searcher

    return searcher(alphabet, width, threshold, margin)


@decoder(requires=("flashlight",))
def flashlight(alphabet: Alphabet, *, width: Width = 25, threshold: Margin = 0.0) -> Decode:
    """flashlight-text (C++), no lexicon: one labelling is several entries, by its last frame.

    Entries that differ only in whether they end in a blank compete for places in the beam, so its result
    and its score are those of a narrower search.
    """
    from ctcbench_peers.wrap_flashlight import searcher

    return searcher(alphabet, width, threshold)


@decoder(requires=("torchaudio", "flashlight"))
def torchaudio(
    alphabet: Alphabet,
    *,
    width: Width = 25,
    threshold: Margin = 0.0,
    log_add: Annotated[
        bool, Field(description="add the probabilities of merged entries instead of taking the larger one")
    ] = True,
) -> Decode:
    """torchaudio's ctc_decoder, no lexicon: flashlight-text with a Python interface for tensors."""
    from ctcbench_peers.wrap_torchaudio import searcher

    return searcher(alphabet, width, threshold, log_add=log_add)


@hookimpl
def ctcbench_components() -> Sequence[Component]:
    """Return all peers. Building one that is not installed raises an error with the command to install it."""
    return [fast_ctc_decode, pyctcdecode, ctc_beam_decoder, flashlight, torchaudio]


@hookimpl
def ctcbench_compared_decoders() -> Sequence[str]:
    """Return the peers with their own defaults, and fast-ctc-decode with pruning, as it is often used."""
    # e^-5, which pyctcdecode and ctc-beam-decoder name token_min_logp=-5.
    theirs = "width=100,threshold=0.006737947,margin=10"
    return [
        "fast_ctc_decode:width=5",
        "fast_ctc_decode:threshold=0.001",
        "fast_ctc_decode:threshold=0.01",
        f"pyctcdecode:{theirs}",
        f"ctc_beam_decoder:{theirs}",
        "torchaudio:width=50,threshold=50,log_add=false",
    ]

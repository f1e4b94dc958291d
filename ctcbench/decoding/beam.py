"""The prefix beam search in C++ behind its Python signature."""

import os
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex, TypedDict

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.errors import UsageError
from ctcbench.contract.hypothesis import Hypothesis
from ctcbench.decoding import _core
from ctcbench.decoding.arguments import (
    DecoderInput,
    LogProbsLike,
    check_beam,
    check_input,
    check_values,
    whole_number,
)
from ctcbench.processes.cores import available_cores

# For tests and measurements: a code path by name, rather than the fastest of this machine.
PATH = os.environ.get("CTCBENCH_DECODER_PATH") or "automatic"
PATHS = ("automatic", *_core.paths())


def beam_search(
    log_probs: LogProbsLike,
    lengths: object = None,
    *,
    beam_width: SupportsIndex = 25,
    blank: SupportsIndex = 0,
    n_best: SupportsIndex = 1,
    threads: SupportsIndex | None = None,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
) -> list[Any]:  # the number of dimensions decides, which an annotation cannot say
    """Find the most probable labellings by CTC prefix beam search (Graves 2006; Hannun 2014).

    After each frame the `beam_width` labellings with the highest total probability so far are kept: a
    labelling is one entry, whose total is the sum over its alignments, those that end in blank and those that
    end in its last label. Nothing else is pruned. Sums are accurate to about 1e-16 a frame and do not
    underflow.

    Ties: the candidates of a frame are sorted by total and cut from the top into groups: a first candidate
    and those after it that are below it by less than 1e-12 of its total. Within a group the lexicographically
    smaller labelling (as a tuple of classes) comes first. Labellings of probability zero never come out, so
    fewer than `n_best` can.

    Args:
        log_probs: log_probs_NTK, or log_probs_TK for one sequence: natural logarithms, at most 0 (1e-3 is
            forgiven), -inf allowed; values below -1e9 count as -inf. Rows need not sum to one. float32 or
            float64 are read where they lie, float16 and bfloat16 are upcast. Any array with `__array__` or
            DLPack in CPU memory. It must not change while it is decoded.
        lengths: (N,) frames that count in each sequence; None for all. Later frames are never looked at.
        beam_width: labellings kept after each frame.
        blank: the class that is the blank.
        n_best: hypotheses returned for each sequence, at most `beam_width`.
        threads: threads to share the sequences among; None for one a core. The result does not depend on it.
        normalize: apply log-softmax over the classes first, for logits.
        blank_penalty: subtracted from the blank's log-prob in every frame, which is then normalised again:
            log-softmax of (log-probs - blank_penalty at the blank). 0 leaves the log-probs as they are.

    Returns:
        N lists (one list for log_probs_TK) of hypotheses, best first. `frames` holds, per character, the
        frame at which it is most probable within its run on the most probable alignment of the labelling
        (Viterbi): of equal alignments the one that moves on soonest, of equal frames the earliest.

    Raises:
        TypeError: an argument of the wrong type or dtype, or a tensor that is not in CPU memory.
        ValueError: a wrong shape or a value out of range; NaN, +inf or positive values in `log_probs`, or a
            frame in which every class has probability zero.
        UsageError: the environment variable `CTCBENCH_DECODER_PATH` names a path that is not there.
    """
    batch, options = _checked(
        log_probs,
        lengths,
        beam_width,
        blank,
        n_best,
        threads,
        normalize=normalize,
        blank_penalty=blank_penalty,
    )
    try:
        found = _core.beam_search(batch.log_probs_NTK, batch.lengths_N, **options, hypothesis=Hypothesis)
    except _core.BadFrame:
        check_values(batch.log_probs_NTK, batch.lengths_N, logits=False)  # says in full what is wrong
        raise
    return found[0] if batch.single else found


class BeamArrays(NamedTuple):
    """Hypotheses as arrays: B of them for each of N sequences, best first, of up to L characters.

    B is the most that a sequence has, L the length of the longest. Without the first axis for log_probs_TK.

    Attributes:
        labels: int32 (N, B, L), -1 behind the end.
        lengths: int32 (N, B), characters; 0 also where a sequence has fewer hypotheses than others.
        log_probs: float64 (N, B), -inf where a sequence has fewer hypotheses than others.
        frames: int32 (N, B, L), -1 behind the end.
    """

    labels: NDArray[np.int32]
    lengths: NDArray[np.int32]
    log_probs: NDArray[np.float64]
    frames: NDArray[np.int32]


def beam_search_arrays(
    log_probs: LogProbsLike,
    lengths: object = None,
    *,
    beam_width: SupportsIndex = 25,
    blank: SupportsIndex = 0,
    n_best: SupportsIndex = 1,
    threads: SupportsIndex | None = None,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
) -> BeamArrays:
    """Find what `beam_search` finds, from the same arguments, as arrays rather than objects.

    Raises:
        TypeError: as `beam_search`.
        ValueError: as `beam_search`.
        UsageError: as `beam_search`.
    """
    batch, options = _checked(
        log_probs,
        lengths,
        beam_width,
        blank,
        n_best,
        threads,
        normalize=normalize,
        blank_penalty=blank_penalty,
    )
    try:
        found = _core.beam_search_arrays(batch.log_probs_NTK, batch.lengths_N, **options)
    except _core.BadFrame:
        check_values(batch.log_probs_NTK, batch.lengths_N, logits=False)
        raise
    if batch.single:
        labels, sizes, scores, frames = found
        return BeamArrays(labels[0], sizes[0], scores[0], frames[0])
    return BeamArrays(*found)


class _Options(TypedDict):
    beam_width: int
    blank: int
    n_best: int
    threads: int
    path: str


def _checked(
    log_probs: LogProbsLike,
    lengths: object,
    beam_width: SupportsIndex,
    blank: SupportsIndex,
    n_best: SupportsIndex,
    threads: SupportsIndex | None,
    *,
    normalize: bool,
    blank_penalty: SupportsFloat,
) -> tuple[DecoderInput, _Options]:
    batch = check_input(
        log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty, look_inside=False
    )
    width, best = check_beam(beam_width, n_best)
    if PATH not in PATHS:
        raise UsageError(f"CTCBENCH_DECODER_PATH is {PATH!r}; it must be {', '.join(PATHS)}")
    return batch, {
        "beam_width": width,
        "blank": batch.blank,
        "n_best": best,
        "threads": available_cores() if threads is None else whole_number("threads", threads, low=1),
        "path": PATH,
    }

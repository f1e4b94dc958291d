"""The Python interface of the prefix beam search in C++."""

import os
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex, TypedDict

import numpy as np
from numpy.typing import NDArray

from . import _core
from .arguments import DecoderInput, LogProbsLike, check_beam, check_input, named_bad_frames
from .available_cores import available_cores
from .guides import GuideLike, compiled_guide
from .hypothesis import Hypothesis
from .one_or_many import one_or_many
from .scalars import check_flag, check_integer
from .user_errors import UsageError

# For tests and benchmarks: the name of a code path, in place of the fastest one that this machine can run.
PATH = os.environ.get("CTCBENCH_DECODER_PATH") or "automatic"
PATHS = ("automatic", *_core.paths())


def selected_path() -> str:
    """Return PATH. Raise UsageError if this machine cannot run it."""
    # Checked here and not at import, so that the error reaches the caller as a UsageError.
    if PATH not in PATHS:
        raise UsageError(f"CTCBENCH_DECODER_PATH is {PATH!r}; it must be {', '.join(PATHS)}")
    return PATH


@one_or_many(list[Hypothesis])
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
    frames: bool = True,
    guide: GuideLike | None = None,
) -> Any:
    """Find the most probable labellings by CTC prefix beam search (Graves 2006; Hannun 2014).

    After each frame the `beam_width` labellings with the highest total probability so far are kept. The total
    of a labelling is the sum over all its alignments, whether they end in blank or in its last label. Nothing
    else is pruned. Sums have a relative error of about 1e-16 for each frame and do not underflow.

    Ties: the candidates of a frame are sorted by total, highest first, and divided into groups: a first
    candidate and all following ones that are below it by less than 1e-12 of its total. Within a group the
    lexicographically smaller labelling (as a tuple of classes) comes first. Labellings of probability zero
    are never returned, so there can be fewer than `n_best`.

    Args:
        log_probs: natural logarithms of shape (N, T, K), or (T, K) for one sequence. Values are at most 0 (up
            to 1e-3 is tolerated as rounding); -inf is allowed, and values below -1e9 count as -inf. Rows need
            not sum to one. Any array in CPU memory that supports `__array__` or DLPack. float32 and float64
            are read without a copy; float16 and bfloat16 are converted. It must not change during the call.
        lengths: number of valid frames of each sequence, (N,); None if all are valid. Frames behind them are
            never read.
        beam_width: number of labellings kept after each frame.
        blank: class of the blank.
        n_best: number of hypotheses returned for each sequence, at most `beam_width`.
        threads: number of threads that decode sequences in parallel; None for one per available core. The
            result does not depend on it. They wait for the next call, at most one for each hardware thread.
        normalize: whether to apply the log-softmax over the classes first, for logits.
        blank_penalty: number that is subtracted from the blank's log-probability in every frame; the frame is
            then normalised again with the log-softmax. 0 leaves the log-probabilities unchanged.
        frames: whether to compute the frames of the characters. Without them `frames` is empty.
        guide: a constraint (`Automaton`), a language model, or a sequence of them. A total is then multiplied
            by their weights, and only labellings that all of them permit are returned. A labelling that can
            no longer become one of those in the frames that remain is dropped at once.

    Returns:
        N lists (one list for (T, K)) of hypotheses, best first. `frames` has, for each character, the frame
        at which it is most probable within its run on the most probable alignment of the labelling (Viterbi).
        Of equally probable alignments the one that advances earliest is taken, of equal frames the earliest.
        With a guide the list of a sequence is empty if no labelling that is permitted fits into its frames
        with a probability above zero, or if the beam was too narrow to hold the beginning of one.

    Raises:
        TypeError: an argument has the wrong type or dtype, or is not in CPU memory.
        ValueError: a shape is wrong or a value is out of range; `log_probs` has NaN, +inf or positive values,
            or a frame in which every class has probability zero; a guide is for other classes.
        UsageError: `CTCBENCH_DECODER_PATH` names a code path that this machine cannot run.
    """
    checked, options = _check_arguments(
        log_probs,
        lengths,
        beam_width,
        blank,
        n_best,
        threads,
        normalize=normalize,
        blank_penalty=blank_penalty,
        frames=frames,
        guide=guide,
    )
    with named_bad_frames(checked):
        found = _core.beam_search(checked.log_probs_NTK, checked.lengths_N, **options, hypothesis=Hypothesis)
    return found[0] if checked.single else found


class BeamArrays(NamedTuple):
    """Hypotheses of N sequences as arrays, best first.

    B is the largest number of hypotheses of a sequence, which a guide can make 0, L the length of the longest
    labelling. For a single sequence of shape (T, K) the first axis is missing.

    Attributes:
        labels: int32 (N, B, L), padded with -1.
        lengths: int32 (N, B), number of characters; 0 where a sequence has fewer than B hypotheses.
        log_probs: float64 (N, B); -inf where a sequence has fewer than B hypotheses.
        frames: int32 (N, B, L), padded with -1; (N, B, 0) if called with ``frames=False``.
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
    frames: bool = True,
    guide: GuideLike | None = None,
) -> BeamArrays:
    """Do what `beam_search` does, with the same arguments, and return arrays instead of objects.

    Raises:
        TypeError: as `beam_search`.
        ValueError: as `beam_search`.
        UsageError: as `beam_search`.
    """
    checked, options = _check_arguments(
        log_probs,
        lengths,
        beam_width,
        blank,
        n_best,
        threads,
        normalize=normalize,
        blank_penalty=blank_penalty,
        frames=frames,
        guide=guide,
    )
    with named_bad_frames(checked):
        found = _core.beam_search_arrays(checked.log_probs_NTK, checked.lengths_N, **options)
    if checked.single:
        return BeamArrays(*(array[0] for array in found))
    return BeamArrays(*found)


def check_threads(threads: SupportsIndex | None) -> int:
    """Return a number of threads of at least 1: the available cores for None."""
    return available_cores() if threads is None else check_integer("threads", threads, low=1)


class _Options(TypedDict):
    beam_width: int
    blank: int
    n_best: int
    threads: int
    path: str
    frames: bool
    guide: _core.Guide | None


def _check_arguments(
    log_probs: LogProbsLike,
    lengths: object,
    beam_width: SupportsIndex,
    blank: SupportsIndex,
    n_best: SupportsIndex,
    threads: SupportsIndex | None,
    *,
    normalize: bool,
    blank_penalty: SupportsFloat,
    frames: bool,
    guide: GuideLike | None,
) -> tuple[DecoderInput, _Options]:
    # The search checks each value when it reads it, which saves a pass over the array.
    checked = check_input(
        log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty, check_log_probs=False
    )
    width, best = check_beam(beam_width, n_best)
    return checked, {
        "beam_width": width,
        "blank": checked.blank,
        "n_best": best,
        "threads": check_threads(threads),
        "path": selected_path(),
        "frames": check_flag("frames", frames),
        "guide": compiled_guide(guide, classes=checked.log_probs_NTK.shape[2], blank=checked.blank),
    }

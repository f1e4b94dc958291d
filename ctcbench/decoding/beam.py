"""The prefix beam search in C++ behind its Python signature."""

import os
from typing import Any, SupportsIndex

from ctcbench.contract.hypothesis import Hypothesis
from ctcbench.decoding import _core
from ctcbench.decoding.checks import LogProbsLike, check_beam, check_blank, check_input, whole_number


def beam_search(
    log_probs: LogProbsLike,
    lengths: object = None,
    *,
    beam_width: SupportsIndex = 25,
    blank: SupportsIndex = 0,
    n_best: SupportsIndex = 1,
    threads: SupportsIndex | None = None,
    normalize: bool = False,
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
            DLPack in CPU memory.
        lengths: (N,) frames that count in each sequence; None for all. Later frames are never looked at.
        beam_width: labellings kept after each frame.
        blank: the class that is the blank.
        n_best: hypotheses returned for each sequence, at most `beam_width`.
        threads: threads to share the sequences among; None for one a core. The result does not depend on it.
        normalize: apply log-softmax over the classes first, for logits.

    Returns:
        N lists (one list for log_probs_TK) of hypotheses, best first. `frames` holds, per character, the
        frame at which it is most probable within its run on the most probable alignment of the labelling
        (Viterbi): of equal alignments the one that moves on soonest, of equal frames the earliest.

    Raises:
        TypeError: an argument of the wrong type or dtype, or a tensor that is not in CPU memory.
        ValueError: a wrong shape or a value out of range; NaN, +inf or positive values in `log_probs`, or a
            frame in which every class has probability zero.
    """
    batch = check_input(log_probs, lengths, normalize=normalize)
    width, best = check_beam(beam_width, n_best)
    results = _core.prefix_beam_search(
        batch.log_probs_NTK,
        batch.lengths_N,
        beam_width=width,
        blank=check_blank(blank, batch.log_probs_NTK.shape[2]),
        n_best=best,
        threads=_available_cores() if threads is None else whole_number("threads", threads, low=1),
    )
    hypotheses = [[Hypothesis._make(hypothesis) for hypothesis in result] for result in results]
    return hypotheses[0] if batch.single else hypotheses


def _available_cores() -> int:
    """Cores that this process may use, which in a container can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

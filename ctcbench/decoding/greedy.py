"""The best path: the most probable class of each frame, repeats and blanks removed."""

from typing import Any, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.hypothesis import Hypothesis
from ctcbench.decoding.arguments import LogProbsLike, check_input


def greedy_search(
    log_probs: LogProbsLike,
    lengths: object = None,
    *,
    blank: SupportsIndex = 0,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
    merge_repeats: bool = True,
) -> Any:  # the number of dimensions decides, which an annotation cannot say
    """Read the labelling of the most probable alignment (best path decoding, Graves 2006, section 3.2).

    Args:
        log_probs: log_probs_NTK, or log_probs_TK for one sequence; as for `beam_search`.
        lengths: (N,) frames that count in each sequence; None for all.
        blank: the class that is the blank.
        normalize: apply log-softmax over the classes first, for logits.
        blank_penalty: subtracted from the blank's log-prob; as for `beam_search`.
        merge_repeats: as CTC wants it; without, each frame that is no blank is a character.

    Returns:
        A list of N hypotheses (one hypothesis for log_probs_TK). `log_prob` is the best path's, a lower bound
        of the labelling's; `frames` holds, per character, the frame of its run at which it is most probable.
        Of equally probable classes the smallest counts, of equal frames the earliest.

    Raises:
        TypeError: as `beam_search`.
        ValueError: as `beam_search`.
    """
    batch = check_input(log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty)
    hypotheses = _best_paths(batch.log_probs_NTK, batch.lengths_N, batch.blank, merge_repeats)
    return hypotheses[0] if batch.single else hypotheses


def _best_paths(
    values_NTK: NDArray[np.floating[Any]], lengths_N: NDArray[np.int64], blank: int, merge_repeats: bool
) -> list[Hypothesis]:
    num_sequences, num_frames, _ = values_NTK.shape
    if num_frames == 0:
        return [Hypothesis((), 0.0, ()) for _ in range(num_sequences)]
    if num_sequences == 0:
        return []
    counts_NT = np.arange(num_frames) < lengths_N[:, np.newaxis]
    path_NT = np.where(counts_NT, values_NTK.argmax(axis=2), blank)
    height_NT = np.where(counts_NT, values_NTK.max(axis=2), 0.0).astype(np.float64)

    # A run is the same class in frames that follow each other in one sequence. R counts the runs of all.
    starts_NT = np.ones_like(counts_NT)
    if merge_repeats:
        starts_NT[:, 1:] = path_NT[:, 1:] != path_NT[:, :-1]
    first_R = np.flatnonzero(starts_NT)
    run_of = np.cumsum(starts_NT.ravel()) - 1
    peak_R = np.maximum.reduceat(height_NT.ravel(), first_R)
    frame_NT = np.broadcast_to(np.arange(num_frames), counts_NT.shape)
    at_peak = height_NT.ravel() == peak_R[run_of]
    frame_R = np.minimum.reduceat(np.where(at_peak, frame_NT.ravel(), num_frames), first_R)
    label_R = path_NT.ravel()[first_R]

    is_label_R = label_R != blank
    label_L, frame_L = label_R[is_label_R].tolist(), frame_R[is_label_R].tolist()
    ends_N = np.cumsum(np.bincount(first_R[is_label_R] // num_frames, minlength=num_sequences)).tolist()
    log_prob_N = height_NT.sum(axis=1).tolist()
    begins_N = [0, *ends_N[:-1]]
    return [
        Hypothesis(tuple(label_L[begin:end]), log_prob, tuple(frame_L[begin:end]))
        for begin, end, log_prob in zip(begins_N, ends_N, log_prob_N, strict=True)
    ]

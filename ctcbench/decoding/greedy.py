"""Best path decoding: the most probable class of each frame, with repeats and blanks removed."""

from typing import Any, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from .arguments import LogProbsLike, check_input
from .hypothesis import Hypothesis
from .one_or_many import one_or_many
from .scalars import check_flag


@one_or_many(Hypothesis)
def greedy_search(
    log_probs: LogProbsLike,
    lengths: object = None,
    *,
    blank: SupportsIndex = 0,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
    merge_repeats: bool = True,
    frames: bool = True,
) -> Any:
    """Return the labelling of the most probable alignment (Graves et al. 2006, section 3.2).

    Args:
        log_probs: natural logarithms of shape (N, T, K), or (T, K) for one sequence; as for `beam_search`.
        lengths: as for `beam_search`.
        blank: as for `beam_search`.
        normalize: as for `beam_search`.
        blank_penalty: as for `beam_search`.
        merge_repeats: whether equal classes in successive frames are one character, as in CTC. If false, each
            frame whose best class is not the blank is a character.
        frames: whether to compute the frames of the characters. Without them `frames` is empty.

    Returns:
        N hypotheses (one hypothesis for (T, K)). `log_prob` is that of the best path, a lower bound of the
        labelling's. `frames` has, for each character, the frame of its run at which it is most probable. Of
        equally probable classes the smallest is taken, of equal frames the earliest.

    Raises:
        TypeError: as `beam_search`.
        ValueError: as `beam_search`.
    """
    merge_repeats, frames = check_flag("merge_repeats", merge_repeats), check_flag("frames", frames)
    checked = check_input(log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty)
    hypotheses = _best_paths(
        checked.log_probs_NTK, checked.lengths_N, checked.blank, merge_repeats=merge_repeats, frames=frames
    )
    return hypotheses[0] if checked.single else hypotheses


def _best_paths(
    values_NTK: NDArray[np.floating[Any]],
    lengths_N: NDArray[np.int64],
    blank: int,
    *,
    merge_repeats: bool,
    frames: bool,
) -> list[Hypothesis]:
    num_sequences, num_frames, _ = values_NTK.shape
    # reduceat() needs at least one element.
    if num_frames == 0:
        return [Hypothesis((), 0.0, ()) for _ in range(num_sequences)]
    if num_sequences == 0:
        return []
    valid_NT = np.arange(num_frames) < lengths_N[:, np.newaxis]
    # Frames behind the end may hold NaN; as blanks with probability 1 they change nothing.
    path_NT = np.where(valid_NT, values_NTK.argmax(axis=2), blank)
    height_NT = np.where(valid_NT, values_NTK.max(axis=2), 0.0).astype(np.float64)

    # A run is the same class in successive frames of one sequence. R is the number of runs of all sequences.
    # The first frame of a sequence always starts a run, so none reaches into the next sequence.
    starts_NT = np.ones_like(valid_NT)
    if merge_repeats:
        starts_NT[:, 1:] = path_NT[:, 1:] != path_NT[:, :-1]
    first_R = np.flatnonzero(starts_NT)
    label_R = path_NT.ravel()[first_R]

    is_label_R = label_R != blank
    label_L = label_R[is_label_R].tolist()
    frame_L = _peak_frames(height_NT, first_R)[is_label_R].tolist() if frames else []
    ends_N = np.cumsum(np.bincount(first_R[is_label_R] // num_frames, minlength=num_sequences)).tolist()
    log_prob_N = height_NT.sum(axis=1).tolist()
    begins_N = [0, *ends_N[:-1]]
    return [
        Hypothesis(tuple(label_L[begin:end]), log_prob, tuple(frame_L[begin:end]))
        for begin, end, log_prob in zip(begins_N, ends_N, log_prob_N, strict=True)
    ]


def _peak_frames(height_NT: NDArray[np.float64], first_R: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each run the frame of the largest of its heights; of equal ones the first."""
    num_frames = height_NT.shape[1]
    run_of = np.repeat(np.arange(len(first_R)), np.diff(first_R, append=height_NT.size))
    peak_R = np.maximum.reduceat(height_NT.ravel(), first_R)
    frame_NT = np.broadcast_to(np.arange(num_frames), height_NT.shape)
    at_peak = height_NT.ravel() == peak_R[run_of]
    return np.minimum.reduceat(np.where(at_peak, frame_NT.ravel(), num_frames), first_R)

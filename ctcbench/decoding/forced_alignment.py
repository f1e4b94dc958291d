"""Forced alignment: the frames of each character of a given text."""

from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

from . import _core
from .arguments import LogProbsLike, check_input, named_bad_frames
from .beam import check_threads
from .given_labellings import by_sequence, flatten
from .one_or_many import one_or_many


class CharacterSpan(NamedTuple):
    """The frames of a character.

    Attributes:
        label: the class of the character.
        start: its first frame.
        end: the frame behind its last one.
        peak: the frame at which it is most probable.
        confidence: the mean over its frames of its probability there, with the row normalised to sum one; in
            [0, 1].
    """

    label: int
    start: int
    end: int
    peak: int
    confidence: float


class Alignment(NamedTuple):
    """The most probable alignment of a labelling.

    Attributes:
        log_prob: its natural log-probability; -inf if the labelling has none, such as one that is too long
            for its frames.
        spans: the frames of each character, in order, without overlap; empty if there is no alignment. The
            frames between two spans, before the first and after the last are blanks.
    """

    log_prob: float
    spans: tuple[CharacterSpan, ...]


@one_or_many(Alignment)
def align(
    log_probs: LogProbsLike,
    labels: object,
    lengths: object = None,
    *,
    blank: SupportsIndex = 0,
    threads: SupportsIndex | None = None,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
) -> Any:
    """Find the most probable alignment of a given labelling (Viterbi), such as the label of an image.

    Of equally probable alignments the one that advances earliest is taken, of equal peaks the earliest; equal
    means equal as float64 sums in the order of frames. Memory is linear in the length of the sequence.

    Args:
        log_probs: natural logarithms of shape (N, T, K), or (T, K) for one sequence; as for `beam_search`.
        labels: for each sequence, one labelling: a sequence of classes without the blank. For (T, K), one
            labelling.
        lengths: as for `beam_search`.
        blank: as for `beam_search`.
        threads: as for `beam_search`.
        normalize: as for `beam_search`.
        blank_penalty: as for `beam_search`.

    Returns:
        N alignments (one alignment for (T, K)).

    Raises:
        TypeError: as `beam_search`, and for a labelling that is not a sequence of whole numbers.
        ValueError: as `beam_search`, and for a label that is the blank or not a class.
    """
    checked = check_input(
        log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty, check_log_probs=False
    )
    given = by_sequence("labels", labels, len(checked.lengths_N), single=checked.single)
    names = ["labels"] if checked.single else [f"labels[{n}]" for n in range(len(given))]
    num_classes = checked.log_probs_NTK.shape[2]
    flat = flatten(zip(names, given, strict=True), num_classes=num_classes, blank=checked.blank)
    with named_bad_frames(checked):
        log_prob_N, runs, confidences = _core.align(
            checked.log_probs_NTK,
            checked.lengths_N,
            labels=flat.labels,
            label_offsets=flat.offsets,
            blank=checked.blank,
            threads=check_threads(threads),
        )
    spans = [
        CharacterSpan(label, start, end, peak, confidence)
        for label, (start, end, peak), confidence in zip(
            flat.labels.tolist(), runs.tolist(), confidences.tolist(), strict=True
        )
    ]
    ends = flat.offsets.tolist()
    alignments = [
        Alignment(log_prob, tuple(spans[begin:end]) if log_prob > float("-inf") else ())
        for log_prob, begin, end in zip(log_prob_N.tolist(), ends[:-1], ends[1:], strict=True)
    ]
    return alignments[0] if checked.single else alignments

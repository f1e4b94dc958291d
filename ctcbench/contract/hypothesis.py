"""What a decoder returns for a sequence: labellings with their score and place in time."""

from typing import NamedTuple


class Hypothesis(NamedTuple):
    """One labelling that a decoder proposes.

    Attributes:
        labels: the class of each character, blanks and repeats removed; (L,).
        log_prob: natural logarithm of the probability that the decoder found for the labelling.
        frames: for each character the frame at which it is most probable, strictly rising; (L,).
    """

    labels: tuple[int, ...]
    log_prob: float
    frames: tuple[int, ...]

"""Hypothesis: what a decoder returns for an image."""

from typing import NamedTuple


class Hypothesis(NamedTuple):
    """One labelling that a decoder proposes.

    Attributes:
        labels: the class of each character, blanks and repeats removed; (L,).
        log_prob: the natural log-probability of the labelling, as the decoder computes it.
        frames: for each character the frame at which it is most probable, strictly rising; (L,).
    """

    labels: tuple[int, ...]
    log_prob: float
    frames: tuple[int, ...]

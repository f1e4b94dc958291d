"""Hypothesis: what a decoder returns for an image."""

import math
from collections.abc import Sequence
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


def best_or_nothing(hypotheses: Sequence[Hypothesis]) -> Hypothesis:
    """Return the first hypothesis; of none the empty labelling with log-probability -inf.

    A guided search finds none if no permitted labelling fits into the frames of an image, but a decoder
    returns one for each image.
    """
    return hypotheses[0] if hypotheses else Hypothesis((), -math.inf, ())

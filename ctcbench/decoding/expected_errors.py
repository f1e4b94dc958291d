"""The errors that a text is expected to have, under the distribution over n-best hypotheses."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import _core
from .given_labellings import FlatLabellings, Labelling, flatten
from .hypothesis import Hypothesis
from .labelling_scores import ScoredHypothesis, shares
from .scalars import MAX_INT32, shown

AnyHypothesis = Hypothesis | ScoredHypothesis


def expected_edit_distance(labels: Labelling, hypotheses: Sequence[AnyHypothesis]) -> float:
    """Return the expected edit distance of a labelling to the true one, under the n-best distribution.

    Each hypothesis is taken as the truth with its share of the probability of all of them: the result is
    the mean of the distances from `labels` to the hypotheses, weighted by their shares. The edit distance is
    the least number of insertions, deletions and substitutions of a character.

    Args:
        labels: the classes of the characters, (L,).
        hypotheses: those of one sequence, with exact log-probabilities; see `rescore`. They need not contain
            `labels`.

    Raises:
        TypeError: `hypotheses` is not a sequence of hypotheses, or `labels` or the labels of one are not a
            sequence of whole numbers.
        ValueError: there are no hypotheses, each has probability zero, or a log-probability is NaN or +inf.
    """
    one = flat_labels("labels", [labels])
    weights = shares(hypothesis_log_probs(hypotheses))
    others = flat_labels("hypotheses", [hypothesis.labels for hypothesis in hypotheses])
    distances = _core.edit_distances(one.labels, one.offsets, others.labels, others.offsets)
    return float(distances[0] @ weights)


def hypothesis_log_probs(hypotheses: Sequence[AnyHypothesis]) -> NDArray[np.float64]:
    """Return the log-probabilities of hypotheses, of which at least one is above -inf.

    Raises:
        TypeError: `hypotheses` is not a sequence of hypotheses.
        ValueError: there are no hypotheses, each has probability zero, or a log-probability is NaN or +inf.
    """
    try:
        # It is read several times, which an iterator is not.
        log_probs = [float(hypotheses[i].log_prob) for i in range(len(hypotheses))]
    except (AttributeError, TypeError):
        raise TypeError(
            f"hypotheses is {shown(hypotheses)}; it must be the list of hypotheses of one sequence, as "
            "rescore returns it"
        ) from None
    for i, log_prob in enumerate(log_probs):
        if not log_prob < math.inf:
            raise ValueError(f"hypotheses[{i}].log_prob is {log_prob}; it must be finite, or -inf")
    if not log_probs:
        raise ValueError("hypotheses is empty; there must be at least one")
    if max(log_probs) == -math.inf:
        raise ValueError(f"hypotheses is {shown(hypotheses)}; at least one must have a probability above 0")
    return np.array(log_probs)


def flat_labels(name: str, labellings: Sequence[object]) -> FlatLabellings:
    """Return labellings one after the other. Any class from 0 on is allowed: there is no blank in them."""
    names = [f"{name}[{i}].labels" if name == "hypotheses" else name for i in range(len(labellings))]
    return flatten(zip(names, labellings, strict=True), num_classes=MAX_INT32, blank=-1)

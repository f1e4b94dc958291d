"""Minimum Bayes risk decoding: the hypothesis with the least expected error, instead of the most probable."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from . import _core
from .expected_errors import AnyHypothesis, flat_labels, hypothesis_shares
from .given_labellings import FlatLabellings
from .scalars import shown

RiskMetric = Literal["edit", "exact", "char"]


class RiskChoice(NamedTuple):
    """The hypothesis with the least expected error, and that error.

    Attributes:
        hypothesis: one of the hypotheses given.
        risk: its expected error under the shares of the hypotheses.
    """

    hypothesis: AnyHypothesis
    risk: float


def minimum_bayes_risk(hypotheses: Sequence[AnyHypothesis], *, metric: RiskMetric = "edit") -> RiskChoice:
    """Choose the hypothesis with the least expected error (Goel and Byrne 2000; Kumar and Byrne 2004).

    Each hypothesis is taken as the truth with its share of the probability of all of them. The expected error
    of a hypothesis is the mean of its errors to the others, weighted by their shares. Of equal ones the first
    is chosen, which is the most probable one of hypotheses in rank order.

    Args:
        hypotheses: those of one sequence, with exact log-probabilities; see `rescore`.
        metric: the error that is to be small:

            - ``"edit"``: the edit distance, as in the character error rate;
            - ``"exact"``: 1 if the text is not entirely right, which the most probable hypothesis minimises;
            - ``"char"``: the share of the truth's positions at which the text has another character or none.
              An empty truth counts 0 for the empty text and 1 for any other.

    Raises:
        TypeError: `hypotheses` is not a sequence of hypotheses, or the labels of one are not a sequence of
            whole numbers.
        ValueError: there are no hypotheses, each has probability zero, a log-probability is NaN or +inf, or
            `metric` is none of these.
    """
    if metric not in get_args(RiskMetric):
        raise ValueError(f"metric is {shown(metric)}; it must be one of {', '.join(get_args(RiskMetric))}")
    weights = hypothesis_shares(hypotheses)
    flat = flat_labels("hypotheses", [hypothesis.labels for hypothesis in hypotheses])
    risks = _errors(flat, metric) @ weights
    # Rounding must not prefer a later one of several equal risks.
    chosen = int(np.flatnonzero(risks <= risks.min() + 1e-12 * max(1.0, float(risks.min())))[0])
    return RiskChoice(hypotheses[chosen], float(risks[chosen]))


def _errors(flat: FlatLabellings, metric: RiskMetric) -> NDArray[np.float64]:
    """Return the error of each labelling (row) if each one (column) is the truth."""
    if metric in ("edit", "exact"):
        distances = _core.edit_distances(flat.labels, flat.offsets, flat.labels, flat.offsets)
        return (distances if metric == "edit" else distances > 0).astype(np.float64)
    equal = _core.equal_positions(flat.labels, flat.offsets, flat.labels, flat.offsets)
    lengths = np.diff(flat.offsets)
    wrong = 1.0 - equal / np.maximum(lengths, 1)
    wrong[:, lengths == 0] = (lengths > 0)[:, np.newaxis]
    return np.asarray(wrong)

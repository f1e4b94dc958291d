"""Minimum Bayes risk decoding: the hypothesis with the least expected error, instead of the most probable."""

from collections.abc import Sequence
from typing import Generic, Literal, NamedTuple, TypeVar, get_args

import numpy as np

from . import _core
from .expected_errors import AnyHypothesis, flat_labels, hypothesis_log_probs
from .scalars import shown

RiskMetric = Literal["edit", "exact", "char"]
H = TypeVar("H", bound=AnyHypothesis)


class RiskChoice(NamedTuple, Generic[H]):
    """The hypothesis with the least expected error, and that error.

    Attributes:
        hypothesis: one of the hypotheses given.
        risk: its expected error under the shares of the hypotheses.
    """

    hypothesis: H
    risk: float


def minimum_bayes_risk(hypotheses: Sequence[H], *, metric: RiskMetric = "edit") -> RiskChoice[H]:
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
    return least_risks([hypotheses], metric=metric, threads=1)[0]


def least_risks(batch: Sequence[Sequence[H]], *, metric: RiskMetric, threads: int) -> list[RiskChoice[H]]:
    """Return what `minimum_bayes_risk` does for each of several sequences.

    Raises:
        TypeError: as `minimum_bayes_risk`.
        ValueError: as `minimum_bayes_risk`.
    """
    log_probs = [hypothesis_log_probs(hypotheses) for hypotheses in batch]
    flat = flat_labels("hypotheses", [one.labels for hypotheses in batch for one in hypotheses])
    indices, risks = _core.least_risks(
        labels=flat.labels,
        label_offsets=flat.offsets,
        log_probs=np.concatenate([np.zeros(0), *log_probs]),
        sequence_offsets=np.cumsum([0, *map(len, log_probs)], dtype=np.int64),
        metric=metric,
        threads=threads,
    )
    chosen = zip(batch, indices.tolist(), risks.tolist(), strict=True)
    return [RiskChoice(hypotheses[index], risk) for hypotheses, index, risk in chosen]

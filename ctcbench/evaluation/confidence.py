"""Confidence of a decoded text: the calibrated probability that it is right."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ctcbench.contract.data import LogProbs
from ctcbench.contract.hypothesis import Hypothesis
from ctcbench.contract.specs import Alignment
from ctcbench.evaluation.ctc_likelihood import text_log_probs


def confidences(
    log_probs: LogProbs, hypotheses: Sequence[Hypothesis], alignment: Alignment, sharpness: float = 1.0
) -> list[float | None]:
    """Return the confidence of the hypothesis of each image, 0 to 1.

    With CTC it is p(text | image) over all alignments, after temperature scaling. Without CTC it is the
    decoder's own score, None if it has none.

    Args:
        log_probs: what the hypotheses were decoded from.
        hypotheses: one for each image.
        alignment: how frames are aligned to characters.
        sharpness: inverse temperature, as `calibration.fit_inverse_temperature` returns it.
    """
    scores: Sequence[float] = [hypothesis.log_prob for hypothesis in hypotheses]
    if alignment == "ctc":
        # A decoder's score covers only the alignments that its search kept; this is the sum of all.
        labels_N = [hypothesis.labels for hypothesis in hypotheses]
        scores = text_log_probs(log_probs, labels_N, sharpness).tolist()
    return [None if math.isnan(score) else min(1.0, math.exp(score)) for score in scores]

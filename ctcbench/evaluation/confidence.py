"""Confidence of a decoded text: the calibrated probability that it is right."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import Alignment
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.evaluation.ctc_likelihood import text_log_probs


def confidences(
    log_probs: LogProbs, hypotheses: Sequence[Hypothesis], alignment: Alignment, sharpness: float = 1.0
) -> list[float | None]:
    """Return the confidence of the hypothesis of each image, 0 to 1.

    With CTC it is p(text | image) over all alignments, after temperature scaling. Without CTC it is the
    decoder's own score, None if it has none. It is 0 where the decoder found no text that its options permit,
    so that its score is −inf, although the empty text that it returns may be probable.

    Args:
        log_probs: what the hypotheses were decoded from.
        hypotheses: one for each image.
        alignment: how frames are aligned to characters.
        sharpness: exponent of the probabilities, as `calibration.fit_sharpness` returns it.
    """
    scores: Sequence[float] = [hypothesis.log_prob for hypothesis in hypotheses]
    if alignment == "ctc":
        # A decoder's score covers only the alignments that its search kept; this is the sum of all.
        sums = text_log_probs(log_probs, [hypothesis.labels for hypothesis in hypotheses], sharpness).tolist()
        scores = [-math.inf if own == -math.inf else sum_ for own, sum_ in zip(scores, sums, strict=True)]
    return [None if math.isnan(score) else min(1.0, math.exp(score)) for score in scores]

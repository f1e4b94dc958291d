"""Exact probabilities of given labellings, and the rescoring of hypotheses with them."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from . import _core
from .arguments import DecoderInput, LogProbsLike, check_input, named_bad_frames
from .beam import check_threads
from .given_labellings import by_sequence, flatten
from .guides import GuideLike, compiled_guide
from .hypothesis import Hypothesis
from .one_or_many import one_or_many
from .scalars import shown

# Hypotheses whose probabilities differ by less than this share of the larger one are in lexicographic order,
# as in the beam search: kTie in csrc/ctc/prefix_beam_search.hpp.
TIE = 1e-12


@one_or_many(NDArray[np.float64])
def score_labellings(
    log_probs: LogProbsLike,
    labellings: object,
    lengths: object = None,
    *,
    blank: SupportsIndex = 0,
    threads: SupportsIndex | None = None,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
    guide: GuideLike | None = None,
) -> Any:
    """Return the exact log-probabilities of given labellings (forward algorithm, Graves et al. 2006, eq. 8).

    The probability of a labelling is the sum over all its alignments; nothing is pruned. The relative error
    of a probability is about 1e-15 for each frame, and nothing underflows.

    Args:
        log_probs: natural logarithms of shape (N, T, K), or (T, K) for one sequence; as for `beam_search`.
        labellings: for each sequence, a list of labellings; each is a sequence of classes without the blank.
            For (T, K), one such list.
        lengths: as for `beam_search`.
        blank: as for `beam_search`.
        threads: as for `beam_search`.
        normalize: as for `beam_search`.
        blank_penalty: as for `beam_search`.
        guide: as for `beam_search`. The log weights of a labelling by the guide are added to its
            log-probability.

    Returns:
        N float64 arrays (one array for (T, K)), with an element for each labelling: its natural
        log-probability; -inf if it is impossible, such as a labelling that is too long for its frames, or
        that the guide does not permit.

    Raises:
        TypeError: as `beam_search`, and for a labelling that is not a sequence of whole numbers.
        ValueError: as `beam_search`, and for a label that is the blank or not a class.
    """
    checked = check_input(
        log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty, check_log_probs=False
    )
    given = by_sequence("labellings", labellings, len(checked.lengths_N), single=checked.single)
    weights, scores, _ = _scores(checked, "labellings", given, guide, check_threads(threads))
    totals = [score + weight for score, weight in zip(scores, weights, strict=True)]
    return totals[0] if checked.single else totals


class ScoredHypothesis(NamedTuple):
    """A hypothesis with its exact probability.

    Attributes:
        labels: the class of each character, blanks and repeats removed; (L,).
        log_prob: the natural log-probability, the sum over all alignments; with a guide, plus the log
            weights of the labelling.
        frames: as in `Hypothesis`.
        share: exp(`log_prob`) divided by the sum over the hypotheses of its list.
        posterior: its probability divided by that of all labellings together, the product of the row sums;
            without the weights of a guide. Where the rows sum to one, the exponential of `log_prob`.
    """

    labels: tuple[int, ...]
    log_prob: float
    frames: tuple[int, ...]
    share: float
    posterior: float


@one_or_many(list[ScoredHypothesis])
def rescore(
    log_probs: LogProbsLike,
    hypotheses: object,
    lengths: object = None,
    *,
    blank: SupportsIndex = 0,
    threads: SupportsIndex | None = None,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
    guide: GuideLike | None = None,
) -> Any:
    """Score hypotheses exactly and sort them by it.

    The `log_prob` of a beam search is the sum over the alignments that stayed in the beam, that of the best
    path one alignment alone. Both are lower bounds of the exact log-probability, which can change the order.
    Give the guide of the search here too: else the weights of a language model are not part of the new one.

    Args:
        log_probs: natural logarithms of shape (N, T, K), or (T, K) for one sequence; as for `beam_search`.
        hypotheses: for each sequence, the list of hypotheses that a decoder returned for it. For (T, K), one
            such list.
        lengths: as for `beam_search`.
        blank: as for `beam_search`.
        threads: as for `beam_search`.
        normalize: as for `beam_search`; the same as for the decoder.
        blank_penalty: as for `beam_search`; the same as for the decoder.
        guide: as for `score_labellings`. A constraint need not be given again: it has no weights.

    Returns:
        N lists (one list for (T, K)) of `ScoredHypothesis`, that of the highest `log_prob` first. Ties are
        ordered as by `beam_search`.

    Raises:
        TypeError: as `score_labellings`.
        ValueError: as `score_labellings`.
    """
    checked = check_input(
        log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty, check_log_probs=False
    )
    given = [
        _as_hypotheses("hypotheses" if checked.single else f"hypotheses[{n}]", found)
        for n, found in enumerate(
            by_sequence("hypotheses", hypotheses, len(checked.lengths_N), single=checked.single)
        )
    ]
    labellings = [[hypothesis.labels for hypothesis in found] for found in given]
    weights, scores, log_masses = _scores(checked, "hypotheses", labellings, guide, check_threads(threads))
    rescored = [
        _rescored(found, scores_of, weights_of, float(log_mass))
        for found, scores_of, weights_of, log_mass in zip(given, scores, weights, log_masses, strict=True)
    ]
    return rescored[0] if checked.single else rescored


def shares(log_probs: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each probability divided by their sum; zeros if all are zero."""
    values = np.asarray(log_probs, dtype=np.float64)
    peak = values.max(initial=-math.inf)
    if peak == -math.inf:
        return np.zeros_like(values)
    weights = np.exp(values - peak)
    return np.asarray(weights / weights.sum())


def _as_hypotheses(name: str, found: Any) -> list[Hypothesis]:
    try:
        return [Hypothesis(tuple(item.labels), item.log_prob, tuple(item.frames)) for item in found]
    except (AttributeError, TypeError):
        raise TypeError(
            f"{name} is {shown(found)}; it must be a list of hypotheses, as beam_search returns it"
        ) from None


class _Scores(NamedTuple):
    """The scores of labellings.

    Attributes:
        log_weights: for each sequence, the log weight of each of its labellings by the guide; 0 without one.
        log_probs: likewise, their log-probabilities.
        log_masses: the log-probability of all labellings of each sequence together.
    """

    log_weights: list[NDArray[np.float64]]
    log_probs: list[NDArray[np.float64]]
    log_masses: NDArray[np.float64]


def _scores(
    checked: DecoderInput,
    name: str,
    given: Sequence[Iterable[object]],
    guide: GuideLike | None,
    threads: int,
) -> _Scores:
    lists = []
    for n, labellings in enumerate(given):
        where = name if checked.single else f"{name}[{n}]"
        try:
            lists.append([(f"{where}[{i}]", labels) for i, labels in enumerate(labellings)])
        except TypeError:
            raise TypeError(f"{where} is {shown(labellings)}; it must be a list of labellings") from None
    num_classes = checked.log_probs_NTK.shape[2]
    compiled = compiled_guide(guide, classes=num_classes, blank=checked.blank)
    flat = flatten(
        (labelling for labellings in lists for labelling in labellings),
        num_classes=num_classes,
        blank=checked.blank,
    )
    ends_N = np.cumsum([0, *(len(labellings) for labellings in lists)], dtype=np.int64)
    with named_bad_frames(checked):
        log_probs, log_masses = _core.score_labellings(
            checked.log_probs_NTK,
            checked.lengths_N,
            labels=flat.labels,
            label_offsets=flat.offsets,
            sequence_offsets=ends_N,
            blank=checked.blank,
            threads=threads,
        )
    if compiled is None:
        log_weights = np.zeros_like(log_probs)
    else:
        log_weights = _core.log_weights(
            compiled, labels=flat.labels, label_offsets=flat.offsets, blank=checked.blank
        )
    if not lists:
        return _Scores([], [], log_masses)
    split = [np.split(values, ends_N[1:-1]) for values in (log_weights, log_probs)]
    return _Scores(split[0], split[1], log_masses)


def _rescored(
    found: Sequence[Hypothesis],
    log_probs: NDArray[np.float64],
    log_weights: NDArray[np.float64],
    log_mass: float,
) -> list[ScoredHypothesis]:
    totals = log_probs + log_weights
    # Rounding can lift the only possible labelling above the sum.
    posteriors = np.minimum(1.0, np.exp(log_probs - log_mass))
    columns = (totals.tolist(), shares(totals).tolist(), posteriors.tolist())
    scored = [
        ScoredHypothesis(hypothesis.labels, total, hypothesis.frames, share, posterior)
        for hypothesis, total, share, posterior in zip(found, *columns, strict=True)
    ]
    scored.sort(key=lambda hypothesis: -hypothesis.log_prob)
    return in_rank_order(scored)


def in_rank_order(scored: Sequence[ScoredHypothesis]) -> list[ScoredHypothesis]:
    """Return hypotheses that are sorted by probability with each group of ties in lexicographic order."""
    ranked: list[ScoredHypothesis] = []
    group: list[ScoredHypothesis] = []
    for hypothesis in scored:
        if group and -math.expm1(hypothesis.log_prob - group[0].log_prob) >= TIE:
            ranked += sorted(group)
            group = []
        group.append(hypothesis)
    return ranked + sorted(group)

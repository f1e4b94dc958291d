"""A slow and simple prefix beam search in Python, which the tests compare the C++ search with.

Probabilities are decimal numbers of 34 digits with an unbounded exponent: rounding is negligible and nothing
underflows.
"""

import decimal
import itertools
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from .arguments import LOWEST_LOG, LogProbsLike, check_beam, check_input
from .hypothesis import Hypothesis
from .scalars import check_flag

Labels = tuple[int, ...]

TIE = Decimal("1e-12")
ZERO, ONE = Decimal(0), Decimal(1)
ARITHMETIC = decimal.Context(prec=34, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


class Probability(NamedTuple):
    """The probability of a labelling, split by the last symbol of its alignments: blank or its last label."""

    blank: Decimal = ZERO
    label: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """The sum of both."""
        return self.blank + self.label


def beam_search_reference(
    log_probs: LogProbsLike,
    lengths: object = None,
    *,
    beam_width: SupportsIndex = 25,
    blank: SupportsIndex = 0,
    n_best: SupportsIndex = 1,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
    frames: bool = True,
) -> list[Any]:
    """Do what `ctcbench.decoding.beam_search` does, with the same arguments except `threads`.

    Raises:
        TypeError: as `beam_search`.
        ValueError: as `beam_search`.
    """
    checked = check_input(log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty)
    width, best = check_beam(beam_width, n_best)
    frames = check_flag("frames", frames)
    hypotheses = [
        _decode(values_TK[:length].astype(np.float64), width, checked.blank, best, frames=frames)
        for values_TK, length in zip(checked.log_probs_NTK, checked.lengths_N, strict=True)
    ]
    return hypotheses[0] if checked.single else hypotheses


def _decode(
    values_TK: NDArray[np.float64], beam_width: int, blank: int, n_best: int, *, frames: bool
) -> list[Hypothesis]:
    # The context belongs to this thread: a caller's own precision must not change results.
    with decimal.localcontext(ARITHMETIC):
        beam: dict[Labels, Probability] = {(): Probability(blank=ONE)}
        for values_K in values_TK:
            beam = keep_best(advance(beam, probabilities(values_K), blank), beam_width)
        return [
            Hypothesis(
                labels,
                float(mass.total.ln()),
                peak_frames(values_TK, labels, blank) if frames else (),
            )
            for labels, mass in itertools.islice(beam.items(), n_best)
        ]


def probabilities(values_K: NDArray[np.float64]) -> list[Decimal]:
    """Return the exponentials of natural logarithms; those below LOWEST_LOG mean probability zero."""
    return [Decimal(value).exp() if value >= LOWEST_LOG else ZERO for value in values_K.tolist()]


def advance(
    beam: dict[Labels, Probability], probs_K: Sequence[Decimal], blank: int
) -> dict[Labels, Probability]:
    """Return every labelling that the beam can become with one more frame, with its probability."""
    grown: dict[Labels, Probability] = {}

    def add(labels: Labels, *, to_blank: Decimal = ZERO, to_label: Decimal = ZERO) -> None:
        mass = grown.get(labels, Probability())
        grown[labels] = Probability(mass.blank + to_blank, mass.label + to_label)

    for labels, mass in beam.items():
        total = mass.total
        for symbol, prob in enumerate(probs_K):
            if not prob:
                continue
            if symbol == blank:
                add(labels, to_blank=total * prob)
            elif labels and symbol == labels[-1]:
                add(labels, to_label=mass.label * prob)
                add((*labels, symbol), to_label=mass.blank * prob)
            else:
                add((*labels, symbol), to_label=total * prob)
    return grown


def keep_best(candidates: dict[Labels, Probability], beam_width: int) -> dict[Labels, Probability]:
    """Return the most probable labellings, in rank order.

    The candidates are sorted by total, highest first, and divided into groups of ties: a first candidate and
    all following ones that are below it by less than TIE of its total. Inside a group the lexicographically
    smaller labelling comes first.
    """
    totals = sorted(((mass.total, labels) for labels, mass in candidates.items()), reverse=True)
    ranked: list[Labels] = []
    group: list[Labels] = []
    leader = ZERO
    for total, labels in totals:
        if not total:
            break
        if group and leader - total >= leader * TIE:
            ranked += sorted(group)
            group = []
            if len(ranked) >= beam_width:
                break
        if not group:
            leader = total
        group.append(labels)
    ranked += sorted(group)
    return {labels: candidates[labels] for labels in ranked[:beam_width]}


def peak_frames(values_TK: NDArray[np.float64], labels: Labels, blank: int) -> tuple[int, ...]:
    """Return, for each label, the frame at which it is most probable within its run on the best alignment.

    The alignment is that of the Viterbi algorithm. Of equally probable alignments the one that advances
    earliest is taken, of equally probable frames the earliest.
    """
    if not labels:
        return ()
    states = _with_blanks(labels, blank)
    values = np.where(values_TK < LOWEST_LOG, -np.inf, values_TK)[:, states].tolist()
    steps_into = [_steps_into(states, state, blank) for state in range(len(states))]
    best = [values[0][state] if state < 2 else -math.inf for state in range(len(states))]
    steps: list[list[int]] = [[0] * len(states)]
    for value in values[1:]:
        sources = [[best[state - step] for step in steps_into[state]] for state in range(len(states))]
        highest = [max(source) for source in sources]
        # index() returns the first of equals: the shortest step.
        steps.append([source.index(high) for source, high in zip(sources, highest, strict=True)])
        best = [high + log_prob for high, log_prob in zip(highest, value, strict=True)]
    # Of equal scores the blank at the end: the alignment that has advanced furthest.
    state = len(states) - 2 if best[-2] > best[-1] else len(states) - 1
    peaks: dict[int, tuple[float, int]] = {}
    for frame in range(len(values) - 1, -1, -1):
        if state % 2 == 1:
            here = (-values[frame][state], frame)
            peaks[state] = min(here, peaks.get(state, here))
        state -= steps[frame][state]
    return tuple(peaks[state][1] for state in range(1, len(states), 2))


def label_log_prob(values_TK: NDArray[np.floating[Any]], labels: Labels, blank: int = 0) -> float:
    """Return the log-probability of `labels` by the forward recursion (Graves et al. 2006, eq. 5 to 8)."""
    states = _with_blanks(labels, blank)
    with decimal.localcontext(ARITHMETIC):
        alpha = [ONE] + [ZERO] * (len(states) - 1)
        for frame, values_K in enumerate(values_TK.astype(np.float64)):
            probs_K = probabilities(values_K)
            reached = range(len(states)) if frame else range(min(2, len(states)))
            before = alpha if frame else [ONE] * len(states)
            alpha = [ZERO] * len(states)
            for state in reached:
                into = _steps_into(states, state, blank) if frame else [0]
                alpha[state] = sum((before[state - step] for step in into), ZERO) * probs_K[states[state]]
        total = sum(alpha[-2:], ZERO)
        return float(total.ln()) if total else -math.inf


def all_labellings(values_TK: NDArray[np.floating[Any]], blank: int = 0) -> dict[Labels, float]:
    """Return the log-probability of every possible labelling, by enumerating all K ** T alignments."""
    num_classes = values_TK.shape[1]
    totals: dict[Labels, Decimal] = {}
    with decimal.localcontext(ARITHMETIC):
        probs_TK = [probabilities(values_K) for values_K in values_TK.astype(np.float64)]
        for path in itertools.product(range(num_classes), repeat=len(probs_TK)):
            prob = math.prod((probs_K[k] for probs_K, k in zip(probs_TK, path, strict=True)), start=ONE)
            labels = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)
            totals[labels] = totals.get(labels, ZERO) + prob
        return {labels: float(total.ln()) for labels, total in totals.items() if total}


def _with_blanks(labels: Labels, blank: int) -> list[int]:
    """Return the labels with a blank before, between and after them: the states of an alignment."""
    return [blank, *itertools.chain.from_iterable((label, blank) for label in labels)]


def _steps_into(states: list[int], state: int, blank: int) -> range:
    """Return by how many states an alignment can advance to `state` in one frame.

    The blank between different labels may be skipped.
    """
    may_skip = state >= 2 and states[state] != blank and states[state] != states[state - 2]
    return range(min(state, 2 if may_skip else 1) + 1)

"""A slow and simple guided beam search in Python, which the tests compare the C++ search with."""

import decimal
import itertools
import math
from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import Any, Protocol, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from .arguments import LogProbsLike, check_beam, check_input
from .constraints.automaton import Automaton
from .hypothesis import Hypothesis
from .reference import (
    ARITHMETIC,
    ONE,
    ZERO,
    Labels,
    Probability,
    keep_best,
    peak_frames,
    probabilities,
)


class PlainGuide(Protocol):
    """What `csrc/ctc/guide.hpp` describes, in Python and without arrays. States are any hashable values."""

    def start(self) -> Hashable:
        """Return the state of the empty labelling."""
        ...

    def advance(self, state: Any, label: int) -> tuple[Hashable, float] | None:
        """Return the state after `label` and the logarithm of its weight; None if it is not permitted."""
        ...

    def final_log_weight(self, state: Any) -> float:
        """Return the log weight of the end, -inf where a labelling may not end."""
        ...

    def frames_needed(self, state: Any, last: int | None) -> float:
        """Return the least number of frames until a labelling may end, infinity if it never may.

        `last` is the label of the frame before; None if that may have been a blank.
        """
        ...


class PlainAutomaton:
    """An automaton, perhaps with a log weight for each edge and each state, as a `PlainGuide`."""

    def __init__(
        self,
        automaton: Automaton,
        log_weights: Sequence[float] | None = None,
        final_log_weights: Sequence[float] | None = None,
    ) -> None:
        self._edges: dict[int, dict[int, tuple[int, float]]] = {s: {} for s in range(automaton.num_states)}
        rows = zip(automaton.sources, automaton.labels, automaton.targets, strict=True)
        for edge, (source, label, target) in enumerate(rows):
            weight = float(log_weights[edge]) if log_weights is not None else 0.0
            self._edges[int(source)][int(label)] = (int(target), weight)
        self._final = [
            (0.0 if final_log_weights is None else float(final_log_weights[state])) if ends else -math.inf
            for state, ends in enumerate(automaton.accepting.tolist())
        ]
        self._start = automaton.start
        self._needed = self._find_needed()

    def start(self) -> int:
        """Return the state of the empty labelling."""
        return self._start

    def advance(self, state: int, label: int) -> tuple[int, float] | None:
        """Return the state after `label` and the logarithm of its weight; None if it is not permitted."""
        return self._edges[state].get(label)

    def final_log_weight(self, state: int) -> float:
        """Return the log weight of the end, -inf where a labelling may not end."""
        return self._final[state]

    def frames_needed(self, state: int, last: int | None) -> float:
        """Return the least number of frames until a labelling may end."""
        return self._needed.get((state, last), math.inf)

    def _find_needed(self) -> dict[tuple[int, int | None], float]:
        """Shorten the numbers of frames of all states and last labels until none changes (Bellman 1958)."""
        labels = {label for edges in self._edges.values() for label in edges}
        keys = list(itertools.product(self._edges, [None, *sorted(labels)]))
        needed = {key: 0.0 if self._final[key[0]] > -math.inf else math.inf for key in keys}
        changed = True
        while changed:
            changed = False
            for state, last in keys:
                steps = [
                    needed[target, label] + (2 if label == last else 1)
                    for label, (target, _) in self._edges[state].items()
                ]
                if min(steps, default=math.inf) < needed[state, last]:
                    needed[state, last] = min(steps)
                    changed = True
        return needed


class PlainProduct:
    """Several guides at once, as a `PlainGuide`."""

    def __init__(self, parts: Sequence[PlainGuide]) -> None:
        self._parts = list(parts)

    def start(self) -> tuple[Hashable, ...]:
        """Return the states of the empty labelling."""
        return tuple(part.start() for part in self._parts)

    def advance(self, state: tuple[Hashable, ...], label: int) -> tuple[tuple[Hashable, ...], float] | None:
        """Return the states after `label` and the sum of the log weights; None if a part forbids it."""
        steps = []
        for part, own in zip(self._parts, state, strict=True):
            step = part.advance(own, label)
            if step is None:
                return None
            steps.append(step)
        return tuple(after for after, _ in steps), math.fsum(weight for _, weight in steps)

    def final_log_weight(self, state: tuple[Hashable, ...]) -> float:
        """Return the sum of the final log weights."""
        return sum(part.final_log_weight(own) for part, own in zip(self._parts, state, strict=True))

    def frames_needed(self, state: tuple[Hashable, ...], last: int | None) -> float:
        """Return the largest number of frames that a part needs."""
        return max(part.frames_needed(own, last) for part, own in zip(self._parts, state, strict=True))


def guided_beam_search_reference(
    log_probs: LogProbsLike,
    guide: PlainGuide,
    lengths: object = None,
    *,
    beam_width: SupportsIndex = 25,
    blank: SupportsIndex = 0,
    n_best: SupportsIndex = 1,
) -> list[Any]:
    """Do what `ctcbench.decoding.beam_search` does with a guide.

    Raises:
        TypeError: as `beam_search`.
        ValueError: as `beam_search`.
    """
    checked = check_input(log_probs, lengths, blank, normalize=False, blank_penalty=0.0)
    width, best = check_beam(beam_width, n_best)
    hypotheses = [
        _decode(values_TK[:length].astype(np.float64), guide, width, checked.blank, best)
        for values_TK, length in zip(checked.log_probs_NTK, checked.lengths_N, strict=True)
    ]
    return hypotheses[0] if checked.single else hypotheses


def _decode(
    values_TK: NDArray[np.float64], guide: PlainGuide, beam_width: int, blank: int, n_best: int
) -> list[Hypothesis]:
    with decimal.localcontext(ARITHMETIC):
        beam: dict[Labels, Probability] = {(): Probability(blank=ONE)}
        states: dict[Labels, Hashable] = {(): guide.start()}
        if guide.frames_needed(guide.start(), None) > len(values_TK):
            return []
        for frame, values_K in enumerate(values_TK):
            remaining = len(values_TK) - 1 - frame
            grown = _advance(beam, states, guide, probabilities(values_K), blank)
            # An extension ends in its last label; a labelling that was in the beam may end in blank.
            finishable = {
                labels: mass
                for labels, mass in grown.items()
                if guide.frames_needed(states[labels], None if labels in beam else labels[-1]) <= remaining
            }
            beam = keep_best(finishable, beam_width)
        ended = {}
        for labels, mass in beam.items():
            log_weight = guide.final_log_weight(states[labels])
            if log_weight > -math.inf:
                weight = Decimal(log_weight).exp()
                ended[labels] = Probability(mass.blank * weight, mass.label * weight)
        return [
            Hypothesis(labels, float(mass.total.ln()), peak_frames(values_TK, labels, blank))
            for labels, mass in itertools.islice(keep_best(ended, beam_width).items(), n_best)
        ]


def _advance(
    beam: dict[Labels, Probability],
    states: dict[Labels, Hashable],
    guide: PlainGuide,
    probs_K: Sequence[Decimal],
    blank: int,
) -> dict[Labels, Probability]:
    """Return the permitted labellings that the beam can become in one frame; note their states."""
    grown: dict[Labels, Probability] = {}

    def add(labels: Labels, *, to_blank: Decimal = ZERO, to_label: Decimal = ZERO) -> None:
        mass = grown.get(labels, Probability())
        grown[labels] = Probability(mass.blank + to_blank, mass.label + to_label)

    for labels, mass in beam.items():
        add(labels, to_blank=mass.total * probs_K[blank])
        if labels:
            add(labels, to_label=mass.label * probs_K[labels[-1]])
        for symbol, prob in enumerate(probs_K):
            step = None if symbol == blank else guide.advance(states[labels], symbol)
            if step is None:
                continue
            states[*labels, symbol] = step[0]
            source = mass.blank if labels and labels[-1] == symbol else mass.total
            add((*labels, symbol), to_label=source * prob * Decimal(step[1]).exp())
    return grown

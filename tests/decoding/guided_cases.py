"""Random guides with their plain counterparts in Python, and the comparison of guided searches."""

import math
from typing import Any, NamedTuple

import numpy as np

from ctcbench.decoding import Automaton, _core
from ctcbench.decoding.constraints.trimming import trim
from ctcbench.decoding.reference_guided import PlainAutomaton, PlainProduct
from tests.decoding.decoding_cases import random_case

# Log weights of many sizes, some of them rewards.
WEIGHTS = (0.0, -0.5, -3.0, -30.0, 0.7, 4.0)


class GuidedCase(NamedTuple):
    log_probs_TK: np.ndarray
    beam_width: int
    blank: int
    guide: Any  # what beam_search takes
    plain: Any  # the same for the reference


def random_automaton(rng, num_classes, blank):
    """Return an automaton of at most eight states, without parts that no labelling uses."""
    symbols = [k for k in range(num_classes) if k != blank]
    while True:
        num_states = int(rng.integers(1, 9))
        density = rng.choice([0.15, 0.4, 0.8])
        edges = [
            (state, label, int(rng.integers(num_states)))
            for state in range(num_states)
            for label in symbols
            if rng.random() < density
        ]
        accepting = rng.random(num_states) < 0.4
        accepting[rng.integers(num_states)] = True
        sources, labels, targets = zip(*edges, strict=True) if edges else ((), (), ())
        trimmed = trim(num_classes, 0, accepting, sources, labels, targets)
        if trimmed is not None:
            return trimmed


def tree_automaton(words, num_classes):
    """Return an automaton that accepts these words: a tree of their prefixes."""
    nodes, edges = {(): 0}, {}
    for word in sorted(words):
        for end in range(1, len(word) + 1):
            nodes.setdefault(word[:end], len(nodes))
            edges[nodes[word[: end - 1]], word[end - 1]] = nodes[word[:end]]
    rows = sorted(edges)
    counts = np.bincount([state for state, _ in rows], minlength=len(nodes))
    return Automaton(
        classes=num_classes,
        start=0,
        accepting=[node in words for node in nodes],
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        labels=[label for _, label in rows],
        targets=[edges[row] for row in rows],
    )


def weighted(rng, automaton):
    """Return an automaton with random weights: its form in C++ and the plain one."""
    weights = random_weights(rng, automaton)
    return with_weights(automaton, *weights), PlainAutomaton(automaton, *weights)


def random_weights(rng, automaton):
    return rng.choice(WEIGHTS, size=automaton.num_edges), rng.choice(WEIGHTS, size=automaton.num_states)


def with_weights(automaton, log_weights, final_log_weights):
    """Return the form in C++ of an automaton with log weights for its edges and states."""
    return _core.automaton_guide(
        classes=automaton.classes,
        start=automaton.start,
        accepting=automaton.accepting,
        offsets=automaton.offsets,
        labels=automaton.labels,
        targets=automaton.targets,
        log_weights=log_weights,
        final_log_weights=final_log_weights,
    )


def random_guide(rng, num_classes, blank):
    """Return what `beam_search` takes as a guide, and the plain form of it."""
    automaton = random_automaton(rng, num_classes, blank)
    kind = rng.choice(["constraint", "weighted", "product"], p=[0.5, 0.3, 0.2])
    if kind == "constraint":
        return automaton, PlainAutomaton(automaton)
    if kind == "weighted":
        return weighted(rng, automaton)
    other, plain_other = weighted(rng, random_automaton(rng, num_classes, blank))
    return [automaton, other], PlainProduct([PlainAutomaton(automaton), plain_other])


def random_guided_case(seed):
    case = random_case(seed)
    rng = np.random.default_rng([seed, 1])
    guide, plain = random_guide(rng, case.log_probs_TK.shape[1], case.blank)
    return GuidedCase(case.log_probs_TK, case.beam_width, case.blank, guide, plain)


def plain_score(labels, log_prob, guide):
    """Return the score of a labelling by the definition; -inf if the guide forbids it."""
    state, total = guide.start(), log_prob
    for label in labels:
        step = guide.advance(state, label)
        if step is None:
            return -math.inf
        state, total = step[0], total + step[1]
    return total + guide.final_log_weight(state)

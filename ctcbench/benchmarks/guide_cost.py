"""Cost of constraints and of a language model: the time of the guided search over that of the free one."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.decoding import Automaton, _core
from ctcbench.decoding.beam import selected_path
from ctcbench.decoding.lm.kneser_ney import train_kneser_ney
from ctcbench.decoding.lm.language_model import LanguageModel

_WORDS = 100_000
_LONGEST_WORD = 8  # a lexicon of whole lines would not be one
_LETTERS = 20_000  # that the language model is trained on
_MOST_CLASSES = 256  # of a language model of characters


@dataclass(frozen=True)
class CostRatio:
    """The time with a guide over the time without, within each round: median, smallest and largest."""

    median: float
    low: float
    high: float


def guide_costs(log_probs: LogProbs, *, rounds: int, seconds: float) -> dict[str, CostRatio]:
    """Measure in interleaved rounds of about `seconds`, with beam width 25 on one thread.

    The guides are four at most: the length of the first text; a pattern of that length, half of it from the
    first half of the classes and the rest from the last sixth; for short texts, a lexicon of all texts and
    100,000 random words; up to 256 classes, a 3-gram model of characters.
    """
    guides = {name: automaton.as_guide() for name, automaton in _constraints(log_probs).items()}
    if log_probs.values_NTK.shape[2] <= _MOST_CLASSES:
        guides["3-gram model"] = _model(log_probs).as_guide()
    times: dict[str, list[float]] = {name: [] for name in ["free", *guides]}
    calls = max(1, round(seconds / (len(times) * _time(log_probs, None))))
    for _ in range(rounds):
        for name, spent in times.items():
            spent.append(sum(_time(log_probs, guides.get(name)) for _ in range(calls)))
    ratios = {
        name: [guided / free for guided, free in zip(times[name], times["free"], strict=True)]
        for name in guides
    }
    return {
        name: CostRatio(statistics.median(values), min(values), max(values))
        for name, values in ratios.items()
    }


def _time(log_probs: LogProbs, guide: _core.Guide | None) -> float:
    # Processor time: a guide costs no waiting, and another program's work is not counted.
    started = time.process_time()
    _core.search_alone(
        log_probs.values_NTK,
        log_probs.lengths_N,
        beam_width=25,
        blank=0,
        n_best=1,
        threads=1,
        path=selected_path(),
        frames=False,
        guide=guide,
    )
    return time.process_time() - started


def _constraints(log_probs: LogProbs) -> dict[str, Automaton]:
    classes = log_probs.values_NTK.shape[2]
    alphabet = log_probs.alphabet
    texts = [alphabet.encode(text) for text in log_probs.texts if not alphabet.missing(text)] or [(1,)]
    length = max(1, len(texts[0]))
    every = np.arange(1, classes, dtype=np.int32)
    first, last = every[: max(1, classes // 2)], every[-max(1, classes // 6) :]
    letters = (length + 1) // 2
    found = {
        f"length={length}": _chain([every] * length, classes),
        "pattern": _chain([first] * letters + [last] * (length - letters), classes),
    }
    if length <= _LONGEST_WORD:
        chance = np.random.default_rng(0)
        words = chance.integers(1, classes, size=(_WORDS, length))
        same_length = [text for text in texts if len(text) == length]
        found["lexicon"] = _tree(np.concatenate([words, np.array(same_length)]), classes)
    return found


def _model(log_probs: LogProbs) -> LanguageModel:
    """Return a model of texts as long as those of the workload, trained on texts of a random Markov chain.

    After each character, the others follow in an order of their own with Zipf's probabilities.
    """
    characters = [None, *log_probs.alphabet.characters]
    chance = np.random.default_rng(0)
    letters = len(characters) - 1
    probs_K = 1 / np.arange(1, letters + 1)
    next_KK = chance.permuted(np.tile(np.arange(1, letters + 1), (letters + 1, 1)), axis=1)
    length = max(1, len(log_probs.texts[0]))
    ranks_NL = chance.choice(letters, (_LETTERS // length, length), p=probs_K / probs_K.sum())
    texts = []
    for ranks_L in ranks_NL:
        label, text = 0, ""
        for rank in ranks_L:
            label = int(next_KK[label, rank])
            text += log_probs.alphabet.characters[label - 1]
        texts.append(text)
    return LanguageModel(train_kneser_ney(texts, 3).model, characters)


def _chain(allowed: list[NDArray[np.int32]], classes: int) -> Automaton:
    """Return the automaton of the labellings with one of `allowed[i]` at place i."""
    counts = [len(labels) for labels in allowed]
    return Automaton(
        classes=classes,
        start=0,
        accepting=np.arange(len(allowed) + 1) == len(allowed),
        offsets=np.cumsum([0, *counts, 0]),
        labels=np.concatenate(allowed),
        targets=np.repeat(np.arange(1, len(allowed) + 1), counts),
    )


def _tree(words_ML: NDArray[np.int64], classes: int) -> Automaton:
    """Return the automaton of words of one length: the tree of their prefixes."""
    words_ML = np.unique(words_ML, axis=0)
    node_M = np.zeros(len(words_ML), np.int64)
    edges: list[NDArray[np.int64]] = []  # one for each node but the root: its parent * classes + its label
    num_nodes = 1
    for labels_M in words_ML.T:
        level, place_M = np.unique(node_M * classes + labels_M, return_inverse=True)
        node_M = num_nodes + place_M
        num_nodes += len(level)
        edges.append(level)
    all_edges = np.concatenate(edges)
    counts = np.bincount(all_edges // classes, minlength=num_nodes)
    return Automaton(
        classes=classes,
        start=0,
        accepting=np.arange(num_nodes) >= num_nodes - len(words_ML),
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        labels=(all_edges % classes).astype(np.int32),
        targets=np.arange(1, num_nodes, dtype=np.int32),
    )

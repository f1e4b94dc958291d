"""Hotwords: words with a bonus for each occurrence in a labelling, as a guide of the beam search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from .. import _core
from ..constraints.class_characters import (
    ClassCharacters,
    class_of_character,
    in_form_of,
    quoted,
    space_class,
    split_characters,
)
from ..scalars import check_finite, check_flag, shown
from ..user_errors import InputError

MOST_BOOST = 50.0
MOST_WEIGHT = 100.0  # kHighestLogWeight in csrc/ctc/guide.hpp
MOST_EDGES = 20_000_000  # some 400 MB of memory


class Hotwords:
    """Words whose occurrences each add `boost` to the log-probability of a labelling.

    The automaton is that of Aho and Corasick (1975). While a labelling ends in a prefix of a hotword, it has
    the same share of the boost, so that it stays in the beam; the share is subtracted again if the hotword is
    not completed. The final score of a labelling is its log-probability plus `boost` for each occurrence.
    Occurrences may overlap.

    Attributes:
        used_labels: the classes that a labelling may have; the blank is none of them.
    """

    def __init__(
        self,
        words: Iterable[str],
        characters: ClassCharacters,
        *,
        boost: float = 5.0,
        whole_words: bool | None = None,
    ) -> None:
        """Prepare the guide.

        Args:
            words: the hotwords, in the order of the frames. A space stands for the character that separates
                words. What the classes cannot write is tried in Unicode NFC and NFD.
            characters: the text of each class, None for the blank.
            boost: natural logarithm of the factor for each occurrence; below 0 it is a penalty.
            whole_words: whether only words between spaces, or ends of the text, count; None: if a class
                separates words: a space, ``|`` or ``▁``, the first of them that there is.

        Raises:
            TypeError: `boost` is no number, or `whole_words` no bool.
            ValueError: `boost` is not finite.
            InputError: there are no hotwords, one is no text, empty, or has characters that the classes lack,
                or the boost is out of range.
        """
        if not abs(check_finite("boost", boost)) <= MOST_BOOST:
            raise InputError(f"boost is {shown(boost)}; it must be from -{MOST_BOOST:g} to {MOST_BOOST:g}")
        classes = class_of_character(characters)
        if isinstance(words, str) or not isinstance(words, Iterable):
            raise InputError(f"hotwords are {shown(words)}; they must be a list of at least one word")
        words = list(words)
        space = space_class(classes)
        whole = space >= 0 if whole_words is None else check_flag("whole_words", whole_words)
        patterns = _patterns(words, classes, space)
        if whole and space < 0:
            raise InputError(
                "whole_words=True needs a class that separates words: a space, | or \u2581, and no tokens "
                "that begin with \u2581"
            )
        if whole:
            patterns = [(space, *labels, space) for labels in patterns]
        self.used_labels = frozenset(classes.values())
        self._guide = _guide(patterns, classes, len(characters), space if whole else None, float(boost))
        self._arguments = (tuple(words), tuple(characters), float(boost), whole)

    def as_guide(self) -> _core.Guide:
        """Return the guide in C++."""
        return self._guide

    def __reduce__(self) -> tuple[Callable[..., Hotwords], tuple[object, ...]]:
        return _hotwords, self._arguments


def _hotwords(words: Sequence[str], characters: ClassCharacters, boost: float, whole_words: bool) -> Hotwords:
    """Return the hotwords that were pickled."""
    return Hotwords(words, characters, boost=boost, whole_words=whole_words)


def _patterns(words: Sequence[str], classes: Mapping[str, int], space: int) -> list[tuple[int, ...]]:
    if not words:
        raise InputError("hotwords are []; they must be a list of at least one word")
    longest = max(map(len, classes))
    separator = next((character for character, label in classes.items() if label == space), " ")
    patterns: dict[tuple[int, ...], None] = {}
    for word in words:
        if not isinstance(word, str):
            raise InputError(f"the hotword {shown(word)} is no text")
        written = in_form_of(classes, word.strip(" ").replace(" ", separator))
        parts = split_characters(written, classes, longest)
        if lacking := [part for part in parts if part not in classes]:
            raise InputError(f"the hotword {shown(word)} has {quoted(lacking)}, which the alphabet lacks")
        if not parts:
            raise InputError("a hotword is empty")
        patterns[tuple(classes[part] for part in parts)] = None
    return list(patterns)


def _guide(
    patterns: Sequence[tuple[int, ...]],
    classes: Mapping[str, int],
    num_classes: int,
    space: int | None,
    boost: float,
) -> _core.Guide:
    """Return the guide; if words are whole, `space` is the first and the last label of each pattern."""
    labels = sorted(classes.values())
    place_of = {label: place for place, label in enumerate(labels)}
    if (sum(map(len, patterns)) + 1) * len(labels) > MOST_EDGES:
        raise InputError(
            f"the hotwords have {sum(map(len, patterns)):,} characters; with an alphabet of {len(labels):,} "
            f"at most {MOST_EDGES // len(labels):,} are supported"
        )
    children: list[dict[int, int]] = [{}]
    ends: list[int] = [0]  # number of patterns that end at a node
    progress: list[float] = [0.0]  # the largest part of an unfinished pattern
    for pattern in patterns:
        node = 0
        ignored = 0 if space is None else 1  # a space at each end is no part of the word
        for depth, label in enumerate(pattern, 1):
            place = place_of[label]
            if place not in children[node]:
                children[node][place] = len(children)
                children.append({})
                ends.append(0)
                progress.append(0.0)
            node = children[node][place]
            if depth < len(pattern):
                part = (depth - ignored) / (len(pattern) - 2 * ignored)
                progress[node] = max(progress[node], part)
        ends[node] += 1
    # The suffix of a node is the longest other node that is a suffix of its labels. Nodes are visited in the
    # order of their depths, so that the row of a suffix is complete before it is copied.
    next_NL = np.zeros((len(children), len(labels)), np.int32)
    suffixes = [0] * len(children)
    queue = [0]
    for node in queue:
        suffix = suffixes[node]
        if node:
            next_NL[node] = next_NL[suffix]
            ends[node] += ends[suffix]
            progress[node] = max(progress[node], progress[suffix])
        for place, child in children[node].items():
            suffixes[child] = int(next_NL[suffix, place]) if node else 0
            next_NL[node, place] = child
            queue.append(child)
    earned_N, ahead_N = boost * np.array(ends), boost * np.array(progress)
    weights_NL = (earned_N + ahead_N)[next_NL] - ahead_N[:, np.newaxis]
    final_N = -ahead_N
    start = 0
    if space is not None:
        # The beginning and the end of a text count as a space.
        start = int(next_NL[0, place_of[space]])
        final_N = earned_N[next_NL[:, place_of[space]]] - ahead_N
    if max(np.abs(weights_NL).max(), np.abs(final_N).max()) > MOST_WEIGHT:
        raise InputError(
            f"boost is {boost:g}, too much for hotwords of which several can end at one character; at most "
            f"{MOST_WEIGHT:g} may be earned there"
        )
    return _core.automaton_guide(
        classes=num_classes,
        start=start,
        accepting=np.ones(len(children), np.bool_),
        offsets=np.arange(len(children) + 1, dtype=np.int64) * len(labels),
        labels=np.tile(np.array(labels, np.int32), len(children)),
        targets=next_NL.ravel(),
        log_weights=weights_NL.ravel(),
        final_log_weights=final_N,
    )

"""Types of the extension module that csrc/bindings*.cpp define.

An extension that was built with another version of this file is refused (`load_extension`).
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_B = TypeVar("_B", bound=tuple[tuple[int, ...], float, bool, float, str])
_H = TypeVar("_H", bound=tuple[tuple[int, ...], float, tuple[int, ...]])
_Floats = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.floating]

interface_stamp: int

class BadFrame(ValueError): ...

class Guide:
    @property
    def classes(self) -> int: ...
    @property
    def states(self) -> int: ...
    @property
    def start(self) -> int: ...
    def row(self, state: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...
    def final_log_weight(self, state: int) -> float: ...
    def shortest(self, state: int) -> int: ...
    def shortest_after(self, label: int, state: int) -> int: ...

def automaton_guide(
    *,
    classes: int,
    start: int,
    accepting: NDArray[np.bool_],
    offsets: NDArray[np.int64],
    labels: NDArray[np.int32],
    targets: NDArray[np.int32],
    log_weights: NDArray[np.float64] = ...,
    final_log_weights: NDArray[np.float64] = ...,
) -> Guide: ...
def product_guide(parts: list[Guide]) -> Guide: ...

class Stream:
    def __init__(
        self,
        *,
        beam_width: int,
        blank: int,
        n_best: int,
        path: str = "automatic",
        frames: bool = True,
        guide: Guide | None = None,
    ) -> None: ...
    def push(self, log_probs: _Floats, lengths: NDArray[np.int64]) -> None: ...
    def best(self, hypothesis: type[_H]) -> _H: ...
    def stable_prefix(self) -> tuple[int, ...]: ...
    def finish(self, hypothesis: type[_H]) -> list[_H]: ...

class NgramModel:
    def __init__(
        self,
        words: int,
        levels: Sequence[
            tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]
        ],
    ) -> None: ...
    @property
    def contexts(self) -> int: ...

class SpecialWords:
    def __init__(self, start: int, end: int, unknown: int) -> None: ...

class FusionWeights:
    def __init__(self, weight: float, bonus: float, unknown_penalty: float) -> None: ...

def character_guide(
    model: NgramModel,
    *,
    word_of_class: list[int],
    ignored: list[bool],
    special: SpecialWords,
    fusion: FusionWeights,
) -> Guide: ...
def word_guide(
    model: NgramModel,
    *,
    ignored: list[bool],
    space: int,
    offsets: NDArray[np.int64],
    labels: NDArray[np.int32],
    words: NDArray[np.int32],
    unknown_words: bool,
    special: SpecialWords,
    fusion: FusionWeights,
) -> Guide: ...
def beam_search(
    log_probs: _Floats,
    lengths: NDArray[np.int64],
    *,
    beam_width: int,
    blank: int,
    n_best: int,
    threads: int,
    path: str = "automatic",
    frames: bool = True,
    guide: Guide | None = None,
    hypothesis: type[_H],
) -> list[list[_H]]: ...
def beam_search_arrays(
    log_probs: _Floats,
    lengths: NDArray[np.int64],
    *,
    beam_width: int,
    blank: int,
    n_best: int,
    threads: int,
    path: str = "automatic",
    frames: bool = True,
    guide: Guide | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]]: ...
def search_alone(
    log_probs: _Floats,
    lengths: NDArray[np.int64],
    *,
    beam_width: int,
    blank: int,
    n_best: int,
    threads: int,
    path: str = "automatic",
    frames: bool = True,
    guide: Guide | None = None,
) -> None: ...
def score_labellings(
    log_probs: _Floats,
    lengths: NDArray[np.int64],
    *,
    labels: NDArray[np.int32],
    label_offsets: NDArray[np.int64],
    sequence_offsets: NDArray[np.int64],
    blank: int,
    threads: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def align(
    log_probs: _Floats,
    lengths: NDArray[np.int64],
    *,
    labels: NDArray[np.int32],
    label_offsets: NDArray[np.int64],
    blank: int,
    threads: int,
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]: ...
def edit_distances(
    labels_a: NDArray[np.int32],
    offsets_a: NDArray[np.int64],
    labels_b: NDArray[np.int32],
    offsets_b: NDArray[np.int64],
) -> NDArray[np.int32]: ...
def least_risks(
    *,
    labels: NDArray[np.int32],
    label_offsets: NDArray[np.int64],
    log_probs: NDArray[np.float64],
    sequence_offsets: NDArray[np.int64],
    metric: str,
    threads: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...
def log_weights(
    guide: Guide, *, labels: NDArray[np.int32], label_offsets: NDArray[np.int64], blank: int
) -> NDArray[np.float64]: ...
def best_labellings(
    log_probs: _Floats,
    lengths: NDArray[np.int64],
    *,
    beam_width: int,
    nodes: int,
    blank: int,
    threads: int,
    path: str,
    guide: Guide | None = None,
    labelling: type[_B],
) -> list[_B]: ...
def best_hypotheses(
    log_probs: _Floats,
    lengths: NDArray[np.int64],
    *,
    beam_width: int,
    nodes: int,
    blank: int,
    threads: int,
    path: str,
    guide: Guide | None = None,
    hypothesis: type[_H],
) -> list[_H]: ...
def paths() -> list[str]: ...
def minimal_automaton(
    labels: NDArray[np.int32], offsets: NDArray[np.int64]
) -> tuple[int, NDArray[np.uint8], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]: ...
def state_distances(
    starts: NDArray[np.int32], offsets: NDArray[np.int64], targets: NDArray[np.int32]
) -> NDArray[np.int32]: ...

"""Types of the extension module that csrc/bindings.cpp defines."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_H = TypeVar("_H", bound=tuple[tuple[int, ...], float, tuple[int, ...]])
_Floats = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.floating]

class BadFrame(ValueError): ...

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
) -> None: ...
def paths() -> list[str]: ...

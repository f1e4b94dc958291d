from typing import Any

import numpy as np
from numpy.typing import NDArray

def prefix_beam_search(
    log_probs: NDArray[np.floating[Any]],
    lengths: NDArray[np.int64],
    *,
    beam_width: int,
    blank: int,
    n_best: int,
    threads: int,
) -> list[list[tuple[tuple[int, ...], float, tuple[int, ...]]]]: ...

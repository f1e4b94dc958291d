"""Types of the extension module that csrc/captcha/bindings.cpp defines.

An extension that was built with another version of this file is refused (`load_extension`).
"""

import numpy as np
from numpy.typing import NDArray

interface_stamp: int

class Order:
    rows_first: Order
    columns_first_if_flatter: Order

class Canvas:
    def __init__(self, width: int, height: int, background: int, order: Order) -> None: ...
    def paint(
        self,
        ink: int,
        left: int,
        mask: NDArray[np.uint8],
        cosine: float,
        sine: float,
        width: int,
        height: int,
        x1: int,
        y1: int,
        x2: int,
        y2: int,
    ) -> None: ...
    def finish(self, width: int, coverage: bytes, ink: int, channels: int = 1) -> NDArray[np.uint8]: ...

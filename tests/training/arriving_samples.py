"""ArrivingSamples: stands in for a BackgroundDrawing, one whose progress does not depend on time."""

import numpy as np

from ctcbench.data.sample_order import order_of


class ArrivingSamples:
    """Stands in for a drawing: rows are drawn in the order of the first epoch, `ahead` of what is awaited."""

    seed = 3

    def __init__(self, samples, ahead):
        self.samples, self.ahead = samples, ahead
        self.is_drawn_N = np.zeros(len(samples), dtype=bool)
        self.waits = 0

    def wait_for(self, rows_N):
        self.waits += 1
        order_N = order_of(len(self.samples), self.seed, 0)
        last = max(int(np.flatnonzero(order_N == row)[0]) for row in rows_N)
        self.is_drawn_N[order_N[: last + 1 + self.ahead]] = True

    def drawn_among(self, rows_N):
        return self.is_drawn_N[rows_N]

"""Check of the mixed training sets of a study before any of its trials."""

from __future__ import annotations

from ctcbench.data.interleaving import require_both
from ctcbench.study.grid import Grid


def check_mixtures(grid: Grid) -> None:
    """Check that each configuration with an extra data set has training images of both.

    A trial checks it as well, but a dry run runs none.

    Raises:
        UsageError: one has images of one set only.
    """
    for config in (entry.config for entry in grid.entries):
        if config.extra_dataset:
            require_both(config.extra_share, config.train_samples, config.dataset, config.extra_dataset)

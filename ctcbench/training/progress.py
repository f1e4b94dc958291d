"""Watcher: how a run tells whoever looks on what it is doing; this one stays silent."""

from __future__ import annotations

from dataclasses import dataclass

from ctcbench.contract.data import SplitName


@dataclass(frozen=True)
class Progress:
    """Where training stands: counts from 1, ``loss`` in nats an image, ``seconds_left`` an estimate.

    ``val_exact`` is the exact accuracy of the last validation (None before the first);
    ``blank_steps`` how many steps in a row every output has been empty, ``plateau_steps`` how many in
    a row it has been so or no better than guessing.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    images_per_second: float
    seconds_left: float
    val_exact: float | None
    blank_steps: int
    plateau_steps: int


class Watcher:
    """Hears of a run's progress; methods do nothing here, so override the ones you need."""

    def drawing(self, split: SplitName, done: int, total: int) -> None:
        """Hear that `done` of `total` images of a split are drawn into the cache."""

    def training(self, progress: Progress) -> None:
        """Hear where training stands; called some times a second at the most."""

    def reading(self, split: SplitName, done: int, total: int) -> None:
        """Hear that the trained model has read `done` of `total` images of a split."""

    def notice(self, text: str) -> None:
        """Hear a sentence that the user should read: a plateau, a resumed run, images left out."""

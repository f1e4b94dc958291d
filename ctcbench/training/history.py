"""History: the course of a training so far, as its checkpoint stores it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ctcbench.evaluation.paired_tests import mcnemar
from ctcbench.results.provenance import now

if TYPE_CHECKING:
    from ctcbench.training.inference import Validation

_SIGNIFICANT = 0.05


@dataclass
class History:
    """Course of a training so far; stored in checkpoints. Times are in seconds.

    Attributes:
        started: time of the first start, ISO 8601.
        seconds: time spent in training steps, without validation and captures.
        capture_seconds: time spent in capturing the step as CUDA graphs, and in trying those that are not
            captured (`StepGraph.prepare`).
        best_epoch: epoch of the weights that are kept, counted from 1; 0 before the first validation.
        best_exact, best_cer: the scores of its validation.
        top_exact, top_cer, top_edits: the best scores of a validation, and the edits of each image in it.
        last_epoch: epoch of the last validation.
        improved_epoch: last epoch whose scores were better than all before, and not equal to the best ones.
        last_exact: exact accuracy of the last validation.
    """

    started: str = field(default_factory=now)
    seconds: float = 0.0
    validation_seconds: float = 0.0
    capture_seconds: float = 0.0
    best_epoch: int = 0
    # Below every possible accuracy, so that the first validation is the best so far.
    best_exact: float = -1.0
    best_cer: float = -1.0
    top_exact: float = -1.0
    top_cer: float = -1.0
    top_edits: list[int] = field(default_factory=list)
    last_exact: float | None = None
    last_epoch: int = 0
    improved_epoch: int = 0

    def __post_init__(self) -> None:
        """Take the best scores of a checkpoint that has no others: one of an earlier version."""
        if self.best_epoch and self.top_exact < 0:
            self.top_exact, self.top_cer = self.best_exact, self.best_cer

    def add_validation(self, epoch: int, validation: Validation, *, prefers_late: bool) -> bool:
        """Add a validation, and return whether the weights of its epoch are to be kept.

        They are if the scores are the best so far. With `prefers_late`, it is enough that they are not
        significantly worse than the best: few validation images choose an epoch by chance, and the last ones
        have the low learning rates with which most is gained.

        Args:
            epoch: counted from 1.
            validation: its scores; each validation has the images in the same order.
            prefers_late: whether the schedule ends with a low learning rate.
        """
        exact, cer, edits = validation.exact, validation.cer, validation.edits
        self.last_exact, self.last_epoch = exact, epoch
        is_first, scores, top = not self.best_epoch, (exact, -cer), (self.top_exact, -self.top_cer)
        if is_first or scores > top:
            self.improved_epoch = epoch
        # Of equal accuracies the lower CER wins, of equal CERs the later epoch, which saw more images.
        is_top = is_first or scores >= top
        is_kept = is_top or (prefers_late and not _are_more(edits, self.top_edits))
        if is_top:
            self.top_exact, self.top_cer, self.top_edits = exact, cer, list(edits)
        if is_kept:
            self.best_epoch, self.best_exact, self.best_cer = epoch, exact, cer
        return is_kept

    @property
    def has_kept_last(self) -> bool:
        """Whether the weights of the last epoch are those that are kept."""
        return self.last_epoch == self.best_epoch

    def is_out_of_patience(self, patience: int) -> bool:
        """Return whether no epoch was better than all before it in the last `patience` epochs; 0: never."""
        return patience > 0 and self.last_epoch - self.improved_epoch >= patience

    def explain_early_stop(self, epochs: int) -> str:
        """Return why a training of `epochs` ends earlier."""
        return (
            f"stopped after epoch {self.last_epoch} of {epochs}: no better validation since epoch "
            f"{self.improved_epoch} (--patience)"
        )


def _are_more(edits: Sequence[int], fewer: Sequence[int]) -> bool:
    """Return whether images have significantly more edits than in another validation, by the sign test."""
    if len(edits) != len(fewer):  # a checkpoint of an earlier version has none
        return True
    more = sum(one > other for one, other in zip(edits, fewer, strict=True))
    less = sum(one < other for one, other in zip(edits, fewer, strict=True))
    return more > less and mcnemar(more, less) < _SIGNIFICANT

"""History: the course of a training so far, as its checkpoint stores it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ctcbench.results.provenance import now


@dataclass
class History:
    """Course of a training so far; stored in checkpoints. Times are in seconds.

    Attributes:
        started: time of the first start, ISO 8601.
        seconds: time spent in training steps, without validation and captures.
        capture_seconds: time spent in capturing the step as CUDA graphs.
        best_epoch: epoch of the best weights, counted from 1; 0 before the first validation.
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
    last_exact: float | None = None
    last_epoch: int = 0
    improved_epoch: int = 0

    def add_validation(self, epoch: int, exact: float, cer: float) -> bool:
        """Add the scores of a validation, and return whether they are the best so far."""
        self.last_exact, self.last_epoch = exact, epoch
        if not self.best_epoch or (exact, -cer) > (self.best_exact, -self.best_cer):
            self.improved_epoch = epoch
        # Of equal accuracies the lower CER wins, of equal CERs the later epoch, which saw more images.
        is_best = not self.best_epoch or (exact, -cer) >= (self.best_exact, -self.best_cer)
        if is_best:
            self.best_epoch, self.best_exact, self.best_cer = epoch, exact, cer
        return is_best

    def is_out_of_patience(self, patience: int) -> bool:
        """Return whether no epoch was better than all before it in the last `patience` epochs; 0: never."""
        return patience > 0 and self.last_epoch - self.improved_epoch >= patience

    def explain_early_stop(self, epochs: int) -> str:
        """Return why a training of `epochs` ends earlier."""
        return (
            f"stopped after epoch {self.last_epoch} of {epochs}: no better validation since epoch "
            f"{self.improved_epoch} (--patience)"
        )

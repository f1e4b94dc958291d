"""Monitor: records the metrics of training steps, reports a blank plateau, raises at NaN or infinity."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.specs import Alphabet
from ctcbench.training.blank_plateau import BlankPlateauDetector
from ctcbench.training.shared_parts import SharedParts
from ctcbench.training.split import Batch
from ctcbench.training.step import TrainState
from ctcbench.training.step_metrics import StepMetrics
from ctcbench.training.unigram_loss import estimate_unigram_loss

RECORD_EVERY = 10  # steps over which recorded metrics are means
# Steps between two copies of the metrics to the host, by device. Each copy waits for the GPU.
FLUSH_EVERY = {"cpu": 1, "cuda": 10}


class TrainingDiverged(CtcbenchError):
    """The loss or a gradient became NaN or infinite; the message has the step, its labels and remedies."""


class StepDiverged(Exception):
    """A value of a step is NaN or infinite; `Trainer.fit` raises TrainingDiverged with more detail from it.

    Attributes:
        step: number of the step, counted from 1.
    """

    def __init__(self, step: int, quantity: str, value: float) -> None:
        super().__init__(f"the {quantity} is {value} at step {step}")
        self.step = step

    def explain(self, batch: Batch, alphabet: Alphabet, config: RunConfig) -> str:
        """Return what happened, with the labels of the step's `batch` and what to try."""
        targets = zip(batch.targets_NL.tolist(), batch.target_lengths_N.tolist(), strict=True)
        texts = [alphabet.decode(target[:length]) for target, length in targets]
        labels = ", ".join(map(repr, texts[:8])) + (f" and {len(texts) - 8} more" if len(texts) > 8 else "")
        return (
            f"{self} (labels of its batch: {labels}); "
            f"try a lower --lr (it was {config.lr}), --clip 1, or --no-amp"
        )


@dataclass
class MonitorState:
    """State of a monitor, stored in checkpoints.

    Attributes:
        loss: loss of the last step in nats per image, None before the first.
        plateau: detector of the blank plateau.
        window: loss, all-blank flag and gradient norm of the steps since the last record.
    """

    loss: float | None = None
    plateau: BlankPlateauDetector = field(default_factory=BlankPlateauDetector)
    window: list[list[float]] = field(default_factory=list)


class Monitor:
    """Collector of step metrics, which evaluates several steps at a time."""

    # Copying a metric to the host waits for the GPU. So the metrics of several steps are copied at once, and
    # evaluated when the next copy starts: the GPU never waits for the host. A NaN is then found some steps
    # late, so `Trainer` flushes the monitor before it writes a checkpoint.

    def __init__(
        self,
        state: MonitorState,
        flush_every: int,
        unigram_loss: float,
        *,
        gradients_overflow: bool = False,
        is_ctc: bool = True,
        fetch: Callable[[Tensor], Callable[[], Tensor]] | None = None,
    ) -> None:
        """Create a monitor.

        Args:
            state: initial state.
            flush_every: number of steps that are evaluated at a time.
            unigram_loss: loss of guessing in nats per image; see `estimate_unigram_loss`.
            gradients_overflow: whether gradients are scaled, so that the scaler detects and skips
                infinite gradients.
            is_ctc: whether the loss is CTC, whose plateau is one of blanks.
            fetch: starts a copy to the host and returns a function that waits for it; None: metrics are on
                the host.
        """
        self.state = state
        self._fetch = fetch
        self._copies: deque[tuple[list[int], Callable[[], Tensor]]] = deque()
        self._unigram_loss = unigram_loss
        self._gradients_overflow = gradients_overflow
        self._is_ctc = is_ctc
        self._flush_every = flush_every
        self._pending: list[tuple[int, StepMetrics]] = []

    def add(
        self,
        step: int,
        metrics: StepMetrics,
        record: Callable[[dict[str, Any]], None],
        notice: Callable[[str], None],
    ) -> None:
        """Add the metrics of a step, counted from 1; evaluate earlier ones if enough are pending."""
        self._pending.append((step, metrics))
        if len(self._pending) >= self._flush_every:
            self._start_copy()
            while len(self._copies) > (self._fetch is not None):
                self._evaluate(*self._copies.popleft(), record, notice)

    def flush(self, record: Callable[[dict[str, Any]], None], notice: Callable[[str], None]) -> None:
        """Evaluate the pending steps.

        Args:
            record: receives the mean metrics of every 10 steps.
            notice: receives a sentence for the user when a plateau lasts or ends.

        Raises:
            StepDiverged: a loss or a gradient is NaN or infinite.
        """
        self._start_copy()
        while self._copies:
            self._evaluate(*self._copies.popleft(), record, notice)

    def _start_copy(self) -> None:
        """Start one copy to the host for all pending steps."""
        if not self._pending:
            return
        rows = torch.stack(
            [torch.stack([m.loss, m.all_blank.float(), m.grad_norm.float()]) for _, m in self._pending]
        )
        steps = [step for step, _ in self._pending]
        self._pending.clear()
        self._copies.append((steps, self._fetch(rows) if self._fetch is not None else lambda: rows))

    def _evaluate(
        self,
        steps: list[int],
        wait: Callable[[], Tensor],
        record: Callable[[dict[str, Any]], None],
        notice: Callable[[str], None],
    ) -> None:
        for step, (loss, all_blank, grad_norm) in zip(steps, wait().tolist(), strict=True):
            if not math.isfinite(loss):
                raise StepDiverged(step, "loss", loss)
            # An infinite gradient makes every weight NaN, but the loss shows that one step later. A gradient
            # scaler skips such steps by itself.
            if not (math.isfinite(grad_norm) or self._gradients_overflow):
                raise StepDiverged(step, "gradient", grad_norm)
            text = self.state.plateau.update(
                step, loss, bool(all_blank), self._unigram_loss, is_ctc=self._is_ctc
            )
            if text:
                notice(text)
            self.state.loss = loss
            self.state.window.append([loss, all_blank, grad_norm])
            if step % RECORD_EVERY == 0:
                record(self._summarise(step))

    def _summarise(self, step: int) -> dict[str, Any]:
        count = len(self.state.window)
        loss, all_blank, grad_norm = (sum(column) / count for column in zip(*self.state.window, strict=True))
        self.state.window.clear()
        return {"kind": "steps", "step": step, "loss": loss, "all_blank": all_blank, "grad_norm": grad_norm}

    def checkpoint(self) -> dict[str, Any]:
        """Return the state for a checkpoint, as JSON; no step may be pending."""
        assert not self._pending and not self._copies, "flush() before a checkpoint"
        return asdict(self.state)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state that `checkpoint` returned.

        Raises:
            TypeError: it was written by another version of ctcbench.
        """
        self.state = MonitorState(**{**state, "plateau": BlankPlateauDetector(**state["plateau"])})


def make_monitor(state: TrainState, config: RunConfig, texts: Sequence[str], shared: SharedParts) -> Monitor:
    """Return the monitor of a training on images with these texts, on the device of `state`."""
    model, compute = state.model, state.compute
    # With the shortcut "aux" the training loss is that of both classifiers, so guessing costs more too.
    aux = config.aux_weight if model.shortcut == "aux" else 0.0
    unigram_loss = shared.once(
        ("unigram loss", _digest(texts)),
        lambda: estimate_unigram_loss(
            texts, model.alphabet, model.output.frames, model.alignment, state.objective
        ),
    )
    return Monitor(
        MonitorState(),
        FLUSH_EVERY[compute.device.type],
        unigram_loss * (1 + aux),
        gradients_overflow=compute.scales_gradients,
        is_ctc=model.alignment == "ctc",
        fetch=compute.fetch if compute.device.type == "cuda" else None,
    )


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode(errors="surrogatepass") + b"\xff")  # a byte that UTF-8 never has
    return digest.hexdigest()

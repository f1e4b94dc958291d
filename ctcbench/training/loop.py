"""The training loop: steps, epochs with validation, checkpoints, and a clean stop."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import asdict, dataclass, field

from torch import Tensor, nn

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError, Interrupted
from ctcbench.contract.hooks import EpochReport
from ctcbench.processes.signals import stop_on_signals
from ctcbench.results.provenance import now
from ctcbench.training.checkpoint import load_checkpoint
from ctcbench.training.inference import (
    Validation,
    evaluation_batch_size,
    iterate_log_probs,
    unwrap_average,
    validate,
)
from ctcbench.training.monitor import Monitor, MonitorState, StepDiverged, TrainingDiverged
from ctcbench.training.progress_events import TrainingProgress
from ctcbench.training.recorder import TrainingRecorder
from ctcbench.training.runtime import Runtime
from ctcbench.training.schedule import blank_penalty
from ctcbench.training.split import Split, batch_at, steps_per_epoch
from ctcbench.training.step import TrainState, train_step
from ctcbench.training.unigram_loss import estimate_unigram_loss

# A GPU is asked for its figures every so many steps, so that it seldom waits for the host.
FLUSH_EVERY = {"cpu": 1, "cuda": 10}
SHOW_SECONDS = 0.2


@dataclass
class History:
    """What training has come to so far; a checkpoint keeps it. ``seconds`` are of steps alone."""

    started: str = field(default_factory=now)
    seconds: float = 0.0
    validation_seconds: float = 0.0
    best_epoch: int = 0
    best_exact: float = -1.0
    best_cer: float = -1.0
    last_exact: float | None = None


@dataclass
class Trainer:
    """One training: what it works on, where it is stored, who looks on.

    ``data`` are the fingerprints of the images.
    """

    config: RunConfig
    runtime: Runtime
    recorder: TrainingRecorder
    train: Split
    val: Split
    state: TrainState
    data: dict[str, str]
    history: History = field(default_factory=History)
    best: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.group, self.folder = self.state.group, self.recorder.folder
        compute, model = self.state.compute, self.state.model
        aux = self.config.aux_weight if model.shortcut == "aux" else 0.0
        guess = estimate_unigram_loss(
            self.train.samples.texts,
            model.alphabet,
            model.output.frames,
            model.alignment,
            self.state.objective,
        )
        self.monitor = Monitor(
            MonitorState(),
            FLUSH_EVERY[compute.device.type],
            guess * (1 + aux),
            gradients_overflow=compute.scales_gradients,
            is_ctc=model.alignment == "ctc",
        )
        self.steps_per_epoch = steps_per_epoch(self.train, self.config)
        self._shown = self._saved = time.monotonic()

    def restore(self) -> None:
        """Go on from the run folder's checkpoint, if it has one.

        Raises:
            CtcbenchError: the checkpoint is damaged, or of another version of ctcbench.
            UsageError: the images are not those that the run was begun with.
        """
        path, notice = self.folder.checkpoint_path, self.runtime.listener.notice
        with self.group.main_process_file(path) as stored:
            if stored is None:
                self.recorder.truncate_after(0)
                return
            self.best, extra = load_checkpoint(stored, self.state)
        try:
            self.history = History(**extra["history"])
            self.monitor.restore(extra["monitor"])
            begun_on, data = extra["compute"], extra["data"]
        except (KeyError, TypeError) as error:
            raise CtcbenchError(f"{path}: of another ctcbench ({error}); --fresh begins again") from error
        self.folder.require_same_images(data, self.data)
        if begun_on != (here := self._carried_out_on()):
            notice(f"begun on {begun_on}, going on on {here}: the figures will differ from either alone")
        # The file may be of an epoch that the checkpoint knows nothing of.
        if self.best:
            self.recorder.save_best_weights(self.state, self.best)
        self.recorder.truncate_after(self.state.step)
        notice(f"going on after step {self.state.step} of {self.state.steps}")

    def fit(self) -> None:
        """Train to the last step; the best weights by validation are then in the run folder.

        Raises:
            Interrupted: the user stopped it; the state is saved.
            TrainingDiverged: the loss became NaN or infinite.
        """
        self.state.model.train()
        with stop_on_signals(self.runtime.listener.notice) as stop:
            try:
                while self.state.step < self.state.steps:
                    self._one_step()
                    if self.state.step % self.steps_per_epoch == 0 or self.state.step == self.state.steps:
                        self._end_epoch()
                    elif time.monotonic() - self._saved > self.runtime.checkpoint_seconds:
                        self._checkpoint()
                    if self.group.any_process(stop.requested):
                        self._checkpoint()
                        self.group.any_process(
                            True
                        )  # all end together, or torchrun would end the one that saves
                        raise Interrupted(self._how_to_resume())
            except StepDiverged as diverged:
                raise TrainingDiverged(self._explain(diverged)) from None

    def _one_step(self) -> None:
        started = time.perf_counter()
        batch = batch_at(self.train, self.state.step, self.config, self.group)
        metrics = train_step(self.state, batch, self.config)
        self.monitor.add(self.state.step, metrics, self.recorder.record_metrics, self.runtime.listener.notice)
        self.history.seconds += time.perf_counter() - started
        if time.monotonic() - self._shown > SHOW_SECONDS:
            self._show()

    def _end_epoch(self) -> None:
        self._flush()
        started = time.perf_counter()
        model: nn.Module = self.state.ema if self.state.ema is not None else self.state.model
        shared = self.group.broadcast(self._validate(model) if self.group.is_main else None)
        if shared is None:
            raise StepDiverged(self.state.step, "output", math.nan)
        found = Validation(*shared)
        self.history.validation_seconds += time.perf_counter() - started
        if self.config.schedule == "plateau":
            self.state.reduce_on_plateau.update(found.loss)
        epoch = -(-self.state.step // self.steps_per_epoch)
        history = self.history
        history.last_exact = found.exact
        # Equal accuracies are told apart by their edits, equal edits by the later epoch: it saw more.
        if (found.exact, -found.cer) >= (history.best_exact, -history.best_cer) or not history.best_epoch:
            history.best_epoch, history.best_exact, history.best_cer = epoch, found.exact, found.cer
            weights = unwrap_average(model).state_dict()
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
            self.recorder.save_best_weights(self.state, self.best)
        figures = {
            "loss": self.monitor.state.loss,
            "val_loss": found.loss,
            "val_exact": found.exact,
            "val_cer": found.cer,
            "lr": self.state.optimizer.param_groups[0]["lr"],
            "blank_penalty": blank_penalty(self.state.step - 1, self.state.steps, self.config),
            "seconds": history.seconds,
        }
        self.recorder.record_metrics({"kind": "epoch", "epoch": epoch, "step": self.state.step, **figures})
        self._checkpoint()
        self._show()
        self.recorder.report_epoch(EpochReport(epoch, self.state.step, figures))

    def _validate(self, model: nn.Module) -> Validation | None:
        """Return what the validation images are read like, or None if an output is no number."""
        batch_size = evaluation_batch_size(self.config)
        batches = iterate_log_probs(
            model, self.val, self.state.compute, "val", self.runtime.listener, batch_size
        )
        with contextlib.closing(batches):
            return validate(batches, self.state.model.alignment, self.state.objective)

    def _flush(self) -> None:
        """Hear of the steps that nothing is known of yet; a GPU may still be at them, so it is their time."""
        started = time.perf_counter()
        self.monitor.flush(self.recorder.record_metrics, self.runtime.listener.notice)
        self.history.seconds += time.perf_counter() - started

    def _carried_out_on(self) -> str:
        return self.state.compute.describe() + self.group.describe_suffix()

    def _checkpoint(self) -> None:
        self._flush()
        extra = {
            "history": asdict(self.history),
            "monitor": self.monitor.checkpoint(),
            "compute": self._carried_out_on(),
            "data": self.data,
        }
        self.recorder.save_checkpoint(self.state, self.best, extra)
        self._saved = time.monotonic()

    def _show(self) -> None:
        self._shown = time.monotonic()
        step, steps, seconds = self.state.step, self.state.steps, self.history.seconds
        images = step * len(self.train) / self.steps_per_epoch
        self.runtime.listener.training_advanced(
            TrainingProgress(
                epoch=min(self.config.epochs, (step - 1) // self.steps_per_epoch + 1),
                epochs=self.config.epochs,
                step=step,
                steps=steps,
                loss=math.nan if self.monitor.state.loss is None else self.monitor.state.loss,
                images_per_second=images / seconds if seconds else 0.0,
                seconds_left=(steps - step) * seconds / step,
                val_exact=self.history.last_exact,
                blank_steps=self.monitor.state.plateau.blank_steps,
                plateau_steps=self.monitor.state.plateau.steps,
            )
        )

    def _how_to_resume(self) -> str:
        return (
            f"stopped after step {self.state.step} of {self.state.steps}, all of it saved in "
            f"{self.folder.path}; resume with: {self.runtime.resume_command}"
        )

    def _explain(self, diverged: StepDiverged) -> str:
        batch = batch_at(self.train, diverged.step - 1, self.config)
        targets = zip(batch.targets_NL.tolist(), batch.target_lengths_N.tolist(), strict=True)
        texts = [self.state.model.alphabet.decode(target[:length]) for target, length in targets]
        labels = ", ".join(map(repr, texts[:8])) + (f" and {len(texts) - 8} more" if len(texts) > 8 else "")
        saved = "; the last checkpoint is kept" if self.folder.checkpoint_path.exists() else ""
        return (
            f"{diverged} (labels of its batch: {labels}); "
            f"try a lower --lr (it was {self.config.lr}), --clip 1, or --no-amp{saved}"
        )

"""Trainer: the training loop, with validation, checkpoints and stop requests."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from torch import Tensor, nn

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.hooks import EpochReport
from ctcbench.processes.signals import Interrupted, StopRequest, stop_on_signals
from ctcbench.training import inference
from ctcbench.training.checkpoint import restore_checkpoint
from ctcbench.training.cuda.step_graph import StepGraph
from ctcbench.training.failed_steps import explain_step_error, suspect_plugins
from ctcbench.training.history import History
from ctcbench.training.image_arrival import ImageArrival
from ctcbench.training.monitor import StepDiverged, TrainingDiverged, make_monitor
from ctcbench.training.progress_report import ProgressReport
from ctcbench.training.recorder import TrainingRecorder
from ctcbench.training.runtime import Runtime
from ctcbench.training.schedule import blank_penalty, ends_low
from ctcbench.training.shared_parts import SharedParts
from ctcbench.training.split import Split, batch_at, steps_per_epoch
from ctcbench.training.step import TrainState, train_step


@dataclass
class Trainer:
    """A training with its data, its state, and the recorder that stores its results.

    Attributes:
        images: the samples of the training and validation images, by split.
        arrival: waits for training images that are being drawn; None: all are drawn.
        shared: what this training shares with others of this process.
        best: the weights that are kept so far (`History.add_validation`), on the CPU.
    """

    config: RunConfig
    runtime: Runtime
    recorder: TrainingRecorder
    train: Split
    val: Split
    state: TrainState
    images: Mapping[SplitName, Samples]
    arrival: ImageArrival | None = None
    shared: SharedParts = field(default_factory=SharedParts)
    history: History = field(default_factory=History)
    best: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.group, self.folder = self.state.group, self.recorder.folder
        self.monitor = make_monitor(self.state, self.config, self.train.texts, self.shared)
        self.steps_per_epoch = steps_per_epoch(self.train, self.config)
        self._progress = ProgressReport(self.config, self.state, len(self.train), self.steps_per_epoch)
        notice, on_gpu = self.runtime.listener.notice, self.state.compute.device.type == "cuda"
        wants_graph = on_gpu if self.runtime.graph is None else self.runtime.graph
        self.graph = None
        if wants_graph:
            self.graph = StepGraph(self.state, self.train, self.config, notice, search=self.shared.search)
        self._checkpoint_saved = time.monotonic()
        self._step_saved = -1
        self.state.model.train()

    @property
    def is_done(self) -> bool:
        """Whether the last step is done, or the validation has not improved for too long."""
        return self.state.step >= self.state.steps or self.history.is_out_of_patience(self.config.patience)

    def restore(self) -> None:
        """Restore the state of the run folder's checkpoint, if it has one.

        Raises:
            CtcbenchError: the checkpoint is damaged, or was written by another version of ctcbench.
            UsageError: the images differ from those on which the run started.
        """
        path, notice = self.folder.checkpoint_path, self.runtime.listener.notice
        # Other machines may not have the folder.
        stored = self.group.broadcast_content(self._read_checkpoint() if self.group.is_main else None)
        if stored is None:
            self.recorder.truncate_after(0)
            return
        self.best, extra = restore_checkpoint(stored, path, self.state)
        try:
            self.history = History(**extra["history"])
            self.monitor.restore(extra["monitor"])
            started_on, data = extra["compute"], extra["data"]
        except (KeyError, TypeError) as error:
            raise CtcbenchError(
                f"{path}: written by another version of ctcbench ({error}); --fresh trains again"
            ) from error
        self.folder.require_same_images(data, self.images)
        # Now and not at the next step: whether the step can be captured is a part of the description.
        if self.graph is not None:
            self.history.capture_seconds += self.graph.prepare()
        if started_on != (current := self._describe_compute()):
            notice(
                f"started on {started_on}, resumed on {current}: the results will differ from those of "
                f"either alone"
            )
        # A run that was killed between writing the weights and the checkpoint has newer weights.
        if self.best:
            self.recorder.save_best_weights(self.state, self.best)
        self.recorder.truncate_after(self.state.step)
        notice(f"resumed after step {self.state.step} of {self.state.steps}")

    def _read_checkpoint(self) -> bytes | None:
        path = self.folder.checkpoint_path
        return self.folder.read(path) if self.folder.has(path) else None

    def fit(self) -> None:
        """Train to the last step. The run folder then has the weights that are kept.

        Raises:
            Interrupted: the user stopped the training; its state is saved.
            TrainingDiverged: the loss or a gradient became NaN or infinite.
        """
        with stop_on_signals(self.runtime.listener.notice) as stop:
            while not self.is_done:
                self.advance(stop)

    def advance(self, stop: StopRequest) -> None:
        """Carry out one step, and what is due after it: validation, checkpoint, stop.

        Raises:
            Interrupted: a stop is requested, of all or of this training; the state is saved.
            TrainingDiverged: the loss or a gradient became NaN or infinite.
            CtcbenchError: memory ran out, or the backward pass of a part of a plugin failed.
        """
        try:
            self._run_step()
            if self.state.step % self.steps_per_epoch == 0 or self.is_done:
                self._end_epoch()
            elif time.monotonic() - self._checkpoint_saved > self.runtime.checkpoint_seconds:
                self._save_checkpoint()
            # A signal can reach the processes at different steps; all must stop after the same one.
            if self.group.any_process(stop.requested or self.runtime.stopping()):
                if self._step_saved != self.state.step:
                    self._save_checkpoint()
                # A barrier: once one process has ended, torchrun ends the others, even while the main process
                # writes the checkpoint.
                self.group.any_process(True)
                raise Interrupted(self._resume_hint())
        except StepDiverged as diverged:
            raise TrainingDiverged(self._explain(diverged)) from None
        except Exception as error:
            if (message := explain_step_error(error, self.state, self.shared.trainings)) is None:
                raise
            raise CtcbenchError(message + self._kept()) from error

    def _run_step(self) -> None:
        if self.arrival is not None:
            # A GPU computes the earlier steps during a wait, which is no training time otherwise.
            self.arrival.wait_for(self.state.step, self._flush_metrics)
        if self.graph is not None:
            self.history.capture_seconds += self.graph.prepare(self._flush_metrics)
        started = time.perf_counter()
        metrics = None if self.graph is None else self.graph.step()
        if metrics is None:
            batch = batch_at(self.train, self.state.step, self.config, self.group)
            metrics = train_step(self.state, batch, self.config)
        self.monitor.add(self.state.step, metrics, self.recorder.record_metrics, self.runtime.listener.notice)
        self.history.seconds += time.perf_counter() - started
        if self._progress.count_step():
            self._show_progress()

    def _end_epoch(self) -> None:
        self._flush_metrics()
        started = time.perf_counter()
        model: nn.Module = self.state.ema if self.state.ema is not None else self.state.model
        scores = self.group.broadcast(self._validate(model) if self.group.is_main else None)
        # NaN in the log-probabilities: the loss of the last step can still have been finite.
        if scores is None:
            raise StepDiverged(self.state.step, "output", math.nan)
        validation = inference.Validation(*scores)
        self.history.validation_seconds += time.perf_counter() - started
        if self.config.schedule == "plateau":
            self.state.reduce_on_plateau.update(validation.loss)
        epoch = -(-self.state.step // self.steps_per_epoch)
        self._keep_best(model, epoch, validation)
        figures = {
            "loss": self.monitor.state.loss,
            "val_loss": validation.loss,
            "val_exact": validation.exact,
            "val_cer": validation.cer,
            "lr": self.state.learning_rate * self.state.optimizer.param_groups[0]["scale"],
            "blank_penalty": blank_penalty(self.state.step - 1, self.state.steps, self.config),
            "seconds": self.history.seconds,
        }
        step, steps, kept = self.state.step, self.state.steps, self.history.has_kept_last
        self.recorder.record_metrics(
            {"kind": "epoch", "epoch": epoch, "step": step, "steps": steps, "kept": kept} | figures
        )
        self._save_checkpoint()
        self._show_progress()
        report = EpochReport(epoch, step, figures, kept)
        self.recorder.report_epoch(report)
        # After the checkpoint: a search may end the training here.
        self.runtime.listener.epoch_finished(report, steps)

    def _validate(self, model: nn.Module) -> inference.Validation | None:
        batch_size = inference.evaluation_batch_size(self.config, self.group.world_size)
        listener = self.runtime.listener
        batches = inference.iterate_log_probs(
            model, self.val, self.state.compute, "val", listener, batch_size
        )
        # Closed at once, also after a NaN: the generator then puts the model back into training mode.
        with contextlib.closing(batches):
            return inference.validate(batches, self.state.model.alignment, self.state.objective)

    def _keep_best(self, model: nn.Module, epoch: int, validation: inference.Validation) -> None:
        if self.history.add_validation(epoch, validation, prefers_late=ends_low(self.config.schedule)):
            weights = inference.unwrap_average(model).state_dict()
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
            self.recorder.save_best_weights(self.state, self.best)

    def _flush_metrics(self) -> None:
        # A GPU may still compute the pending steps, so waiting for them counts as training time.
        started = time.perf_counter()
        self.monitor.flush(self.recorder.record_metrics, self.runtime.listener.notice)
        self.history.seconds += time.perf_counter() - started

    def _describe_compute(self) -> str:
        graph = "" if self.graph is None else self.graph.describe_suffix()
        return self.state.compute.describe() + self.group.describe_suffix() + graph

    def _save_checkpoint(self) -> None:
        # A step that diverged raises here, so that no checkpoint of NaN weights replaces a good one.
        self._flush_metrics()
        extra = {
            "history": asdict(self.history),
            "monitor": self.monitor.checkpoint(),
            "compute": self._describe_compute(),
            "data": {name: found.fingerprint or found.origin for name, found in self.images.items()},
        }
        self.recorder.save_checkpoint(self.state, self.best, extra)
        self._checkpoint_saved, self._step_saved = time.monotonic(), self.state.step

    def _show_progress(self) -> None:
        self.runtime.listener.training_advanced(self._progress.make(self.history, self.monitor.state))

    def _resume_hint(self) -> str:
        return (
            f"stopped after step {self.state.step} of {self.state.steps}; the state is saved in "
            f"{self.folder.path}; resume with: {self.runtime.resume_command}"
        )

    def _explain(self, diverged: StepDiverged) -> str:
        batch = batch_at(self.train, diverged.step - 1, self.config)
        explained = diverged.explain(batch, self.state.model.alphabet, self.config)
        return explained + suspect_plugins(self.state.recipe) + self._kept()

    def _kept(self) -> str:
        return "; the last checkpoint is kept" if self.folder.has(self.folder.checkpoint_path) else ""
